/** Base64 as the service takes it for a blob: the standard alphabet, padded, nothing else. */
import { ClientError } from '../../domain/errors.ts'
import { quoted } from './quoted.ts'

export function isBase64(input: string): boolean {
  if (input.length % 4 !== 0) return false
  const unpadded = input.endsWith('==') ? -2 : input.endsWith('=') ? -1 : input.length
  return !/[^A-Za-z0-9+/]/.test(input.slice(0, unpadded))
}

/** Bytes that a well-formed base64 text stands for. */
export function base64Length(input: string): number {
  const { length } = input
  if (length === 0) return 0
  const padding = input.charCodeAt(length - 1) !== 0x3d ? 0 : input.charCodeAt(length - 2) === 0x3d ? 2 : 1
  return (length >>> 2) * 3 - padding
}

/** What is wrong with a text that is not base64, as the service's front end words it. */
export function notBase64(input: string): ClientError {
  const problem =
    input.length % 4 === 0
      ? `Invalid Base64 character: '${misplaced(input)}'`
      : `Base64 encoded length is expected a multiple of 4 bytes but found: ${input.length}`
  return new ClientError(
    'SerializationException',
    `'${quoted(input)}' can not be converted to a Blob: ${problem}`,
  )
}

/** The first character that cannot stand where it does; padding stands at the end only. */
function misplaced(input: string): string {
  return /[^A-Za-z0-9+/=]|=(?!=?$)/u.exec(input)?.[0] ?? '='
}

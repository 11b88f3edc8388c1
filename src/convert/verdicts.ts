/** What is said of a record that cannot be converted, in the words of Firehose's error output. */
import type { ScalarKind } from './hive-types.ts'

/** What is wrong with a record. */
export interface Verdict {
  readonly code: string
  readonly message: string
}

const malformedData = (message: string): Verdict => ({ code: 'DataFormatConversion.MalformedData', message })

export const verdicts = {
  empty: malformedData('The record was empty or contained only whitespace.'),
  notUtf8: malformedData('The data cannot be decoded as UTF-8.'),
  primitive: malformedData(
    'The input JSON contained a primitive at the top level. The top level must be an object or array.',
  ),
  array: malformedData('Data does not match the schema. The top level is an array, not an object.'),
  deep: malformedData('Data contains a highly nested JSON structure that is not supported.'),
  longKey: malformedData('Length of json key must not be greater than 262144'),
  malformed: { code: 'DataFormatConversion.ParseError', message: 'Encountered malformed JSON.' },
} as const satisfies Record<string, Verdict>

/** Characters of a refused value that a message quotes. */
const QUOTED_MAX = 200

/** The verdict on a text that a column's type refuses. */
export function mistyped(kind: ScalarKind, text: string): Verdict {
  if (kind === 'date') {
    return malformedData('Data does not match the schema. Invalid format for one or more dates.')
  }
  if (kind === 'timestamp') {
    return malformedData(`Encountered invalid or unsupported timestamp format: "${quoted(text)}"`)
  }
  return malformedData(`Data does not match the schema. For input string: "${quoted(text)}"`)
}

function quoted(text: string): string {
  if (text.length <= QUOTED_MAX) return text
  const cutsPair = /[\ud800-\udbff]/.test(text.charAt(QUOTED_MAX - 1))
  return `${text.slice(0, cutsPair ? QUOTED_MAX - 1 : QUOTED_MAX)}…`
}

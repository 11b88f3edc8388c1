/** A value of the wrong JSON type, in the words of the service's front end, which speaks of Java. */
import { ClientError } from '../../domain/errors.ts'
import { quoted } from './quoted.ts'

export type Expected =
  'String' | 'Integer' | 'Double' | 'Boolean' | 'Blob' | 'timestamp' | 'list' | 'map' | 'structure'

export function wrongType(input: unknown, expected: Expected): ClientError {
  return new ClientError('SerializationException', wrongTypeMessage(input, expected))
}

function wrongTypeMessage(input: unknown, expected: Expected): string {
  if (Array.isArray(input)) return 'Start of list found where not expected'
  if (typeof input === 'object') return 'Start of structure or map found where not expected.'
  switch (expected) {
    case 'list':
      return 'Expected list or null'
    case 'map':
      return 'Expected map or null'
    case 'structure':
      return 'Expected null'
    case 'timestamp':
      return `class ${javaClassOf(input)} can not be converted to milliseconds since epoch`
    case 'Boolean':
      if (typeof input === 'string')
        return `'${quoted(input).toUpperCase()}' can not be converted to an Boolean`
      return `class ${javaClassOf(input)} can not be converted to an Boolean`
    case 'Blob':
      return `class ${javaClassOf(input)} can not be converted to a Blob`
    case 'String':
    case 'Integer':
    case 'Double':
      return `class ${javaClassOf(input)} can not be converted to an ${expected}`
    default:
      return expected satisfies never
  }
}

function javaClassOf(input: unknown): string {
  if (typeof input === 'number') return 'com.amazon.coral.value.json.numbers.TruncatingBigNumber'
  return typeof input === 'boolean' ? 'java.lang.Boolean' : 'java.lang.String'
}

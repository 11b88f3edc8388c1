/** What is said of a record that cannot be converted, in the words of Firehose's error output. */
import type { IntegerKind, ScalarKind } from './hive-types.ts'

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
  heavy: malformedData('Data does not match the schema. The values of a row take more than 32 MiB.'),
  /** OpenXJsonSerDe, a map. */
  arrayForMap: malformedData(
    'Data does not match the schema. org.openx.data.jsonserde.json.JSONArray cannot be cast to org.openx.data.jsonserde.json.JSONObject',
  ),
  scalarForComplex: malformedData(
    'A scalar type was found in the data but a complex type was specified on the schema.',
  ),
  /** HiveJsonSerDe. */
  arrayExpected: malformedData(
    'Data does not match the schema. java.io.IOException: Start of Array expected',
  ),
  objectExpected: malformedData(
    'Data does not match the schema. java.io.IOException: Start of Object expected',
  ),
  incorrectFormat: malformedData(
    'One or more fields have incorrect format. Exception when validating field (root)',
  ),
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

/** The verdict on a key that the key type of a map refuses. */
export function badMapKey(kind: ScalarKind, text: string): Verdict {
  return { code: 'DataFormatConversion.InvalidRecord', message: mistyped(kind, text).message }
}

/** OpenXJsonSerDe, a struct. The two spaces are the service's. */
export function notAnObject(javaClass: string, text: string): Verdict {
  return malformedData(
    `Data does not match the schema. Data is not JSONObject  but ${javaClass} with value ${quoted(text)}`,
  )
}

const JACKSON = 'Data does not match the schema. org.codehaus.jackson.JsonParseException:'

/** HiveJsonSerDe, a numeric type. @param token Jackson's name of what was found */
export function notNumeric(token: string): Verdict {
  return malformedData(`${JACKSON} Current token (${token}) not numeric, can not use numeric value accessors`)
}

const JAVA_RANGES: Readonly<Record<IntegerKind, string>> = {
  tinyint: 'Java byte',
  smallint: 'Java short',
  int: 'int',
  bigint: 'long (-9223372036854775808 - 9223372036854775807)',
}

/** HiveJsonSerDe, an integer type. */
export function outOfRange(kind: IntegerKind, text: string): Verdict {
  return malformedData(`${JACKSON} Numeric value (${quoted(text)}) out of range of ${JAVA_RANGES[kind]}`)
}

function quoted(text: string): string {
  if (text.length <= QUOTED_MAX) return text
  const cutsPair = /[\ud800-\udbff]/.test(text.charAt(QUOTED_MAX - 1))
  return `${text.slice(0, cutsPair ? QUOTED_MAX - 1 : QUOTED_MAX)}…`
}

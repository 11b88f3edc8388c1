/**
 * The jq program that runs a query over a block of records, and what its lines mean.
 *
 * One line for each record, whatever the query does: the texts of the wanted keys, a number that says why there are none, or
 * the text of an error. A record's error stays with it; only what jq itself cannot catch ends the program before its time.
 *
 * The query stands in the first line, as it does alone, so that `$__loc__` and messages name its own lines. It sees jq's
 * functions and those that jq 1.6 has and this one has not.
 */

/** A longer value is no partition key; it is not copied about. UTF-8, as S3's limit of a key. */
export const KEY_VALUE_BYTES_MAX = 1_024

export const QUERY_ANSWER = { nothing: 0, notOneObject: 1, several: 2 } as const
/** In place of a value: it is longer than KEY_VALUE_BYTES_MAX. */
export const TOO_LONG = 3

/** Of one record: a value for each wanted key, null for one that is null or missing; one of QUERY_ANSWER; or an error. */
export type QueryAnswer = readonly (string | null | typeof TOO_LONG)[] | number | string

const ERROR_LENGTH_MAX = 200

const AS_IN_1_6 = [
  'def date: todate;',
  'def dateadd(u; n): . + n;',
  'def datesub(u; n): . - n;',
  'def isvalid(f): try (f | true) catch false;',
  'def leaf_paths: paths(scalars);',
  'def recurse_down: recurse;',
  'def ascii: if type == "number" and . >= 0 and . <= 127 then [.] | implode else error("ascii only takes integers from 0 to 127") end;',
].join(' ')

const TEXT =
  'if . == null or (type == "number" and isnan) then null else tostring | ' +
  `if utf8bytelength > ${KEY_VALUE_BYTES_MAX} then ${TOO_LONG} else . end end`

/** The program alone, to see whether it is one. */
export function aloneProgram(query: string): string {
  return `${AS_IN_1_6} ${query}`
}

/** @param keys whose values are wanted */
export function blockProgram(query: string, keys: readonly string[]): string {
  const values = keys.map((key) => `.[${JSON.stringify(key)}]`).join(', ')
  const { nothing, notOneObject, several } = QUERY_ANSWER
  // A comment at the query's end goes on over one newline after a backslash, never over an empty line.
  return (
    `${AS_IN_1_6} def hydrant_query: ${query}\n\n;\n.[] | try ([limit(2; hydrant_query)] | ` +
    `if length == 1 then .[0] | if type == "object" then [${values}] | map(${TEXT}) else ${notOneObject} end ` +
    `elif length == 0 then ${nothing} else ${several} end) ` +
    `catch (if type == "string" then . else tojson end | .[0:${ERROR_LENGTH_MAX}])`
  )
}

export function readAnswer(line: string): QueryAnswer {
  return JSON.parse(line) as QueryAnswer
}

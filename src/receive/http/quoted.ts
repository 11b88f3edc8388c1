/** No member of the API may be longer than 10,240 characters; what is longer is not worth its room in an answer. */
const QUOTED_MAX = 10_240

/** A value of the caller's as it is quoted in an answer. */
export function quoted(value: string): string {
  return value.length <= QUOTED_MAX ? value : `${value.slice(0, QUOTED_MAX)}…`
}

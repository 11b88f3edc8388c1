/** JSON's strings and numbers as text. */

const LONE_SURROGATE = /\p{Surrogate}/u

/** The characters of a JSON string, or undefined when it is not one or has no UTF-8. */
export function unescaped(json: string): string | undefined {
  try {
    const characters = JSON.parse(json) as string
    return LONE_SURROGATE.test(characters) ? undefined : characters
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Characters that JSON leaves as they are, in ASCII. */
const PLAIN = /^[ !#-[\]-~]*$/

/** As JSON.stringify, and for the usual text twice as fast. */
export function jsonString(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}

/** A string as JSON, escaping only what must be; control characters as `\u001F`. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(/\\\\|\\u00[01][0-9a-f]/g, (escape) =>
    escape.length === 2 ? escape : `\\u${escape.slice(2).toUpperCase()}`,
  )
}

/** Most digits that a number with an exponent is written out to. */
const PLAIN_DIGITS_MAX = 40

/** A JSON number without its exponent, or as it is when it has none or is too far from 1. */
export function plainNumber(text: string): string {
  const parts = /^(-?)([0-9]+)(?:\.([0-9]+))?[eE]([+-]?[0-9]+)$/.exec(text)
  if (parts === null) return text
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  if (digits.length > PLAIN_DIGITS_MAX || Math.abs(point) > PLAIN_DIGITS_MAX) return text
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0')
  const cut = Math.max(point, 1)
  const rest = padded.slice(cut)
  return sign + padded.slice(0, cut).replace(/^0+(?=.)/, '') + (rest === '' ? '' : `.${rest}`)
}

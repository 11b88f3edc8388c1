/** What may stand at the places of a record that is of a layout. A place is whatever tells what a value there is. */
export interface LayoutRules<Place> {
  readonly top: Place
  /** Of the value of a member. */
  member(place: Place, key: string): Place
  /** Of the elements of an array, or of the values of a map. */
  item(place: Place): Place
  /** An object there is a map: its keys are data, any may be there, and the same ones twice. */
  isMap(place: Place): boolean
  takes(place: Place, shape: 'object' | 'array'): boolean
  /**
   * A pattern, without capturing groups, of the scalars that it takes. Where it has STRING_FORM, and is not captured, strings
   * may have escapes if those of the examples do.
   */
  scalars(place: Place): string
  /** The text of a scalar there is captured, unless it is an item or in one. */
  isCaptured(place: Place): boolean
  /** False of a record that nothing is learnt from. @param text its bytes, each a character */
  isExample(text: string): boolean
}

/** A string without escapes, with its quotation marks. */
export const STRING_FORM = '"[^"\\\\\\x00-\\x1f]*"'
const PLAIN_CHARACTERS = '[^"\\\\\\x00-\\x1f]*'
const ESCAPE =
  '\\\\(?:["\\\\/bfnrt]|u(?:(?![dD][89a-fA-F])[0-9a-fA-F]{4}|[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}))'

/** A string with or without escapes, none of half a surrogate pair, with its quotation marks. */
export const ESCAPED_FORM = `"${PLAIN_CHARACTERS}(?:${ESCAPE}${PLAIN_CHARACTERS})*"`
/** Any scalar of RFC 8259, but for strings with escapes. */
export const SCALAR_FORM = `${STRING_FORM}|-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?|true|false|null`

/** JSON that keeps every digit, the order of members and members of one name. Slow, plain, and nothing of src/. */

export type Json =
  | { readonly is: 'null' | 'true' | 'false' }
  | { readonly is: 'number' | 'string'; readonly text: string }
  | { readonly is: 'array'; readonly items: readonly Json[] }
  | { readonly is: 'object'; readonly members: readonly (readonly [key: string, value: Json])[] }

/** Why a text is not JSON that is read. */
export class JsonError extends Error {
  readonly what: 'malformed' | 'deep' | 'longKey'
  constructor(what: 'malformed' | 'deep' | 'longKey') {
    super(what)
    this.what = what
  }
}

const MARK = String.raw`[{}[\],:]`
const STRING = String.raw`"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"`
const NUMBER = String.raw`-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?`
const TOKEN = new RegExp(
  `[ \\t\\r\\n]*(?:(${MARK})|(${STRING})|(${NUMBER}|true|false|null)(?![\\w.+-]))`,
  'yu',
)

/** One value after the other, as they are asked for; nothing but white space may follow the last. */
export function* jsonValues(text: string): Generator<Json> {
  let at = 0
  const isAtEnd = (): boolean => /^[ \t\r\n]*$/.test(text.slice(at))
  const token = (): string => {
    TOKEN.lastIndex = at
    const [whole, mark, string, word] = TOKEN.exec(text) ?? []
    if (whole === undefined) throw new JsonError('malformed')
    at += whole.length
    return mark ?? string ?? word ?? ''
  }
  const string = (json: string): string => {
    const characters = json
      .slice(1, -1)
      .replace(/\\(?:u(....)|(.))/g, (_, hex: string | undefined, letter: string) =>
        hex === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
      )
    if (/\p{Surrogate}/u.test(characters)) throw new JsonError('malformed')
    return characters
  }
  const value = (first: string, depth: number): Json => {
    if ((first === '{' || first === '[') && depth >= 1000) throw new JsonError('deep')
    if (first === '{') return object(depth)
    if (first === '[') return array(depth)
    if (first.startsWith('"')) return { is: 'string', text: string(first) }
    if (first === 'null' || first === 'true' || first === 'false') return { is: first }
    if (!/^[-0-9]/.test(first)) throw new JsonError('malformed')
    return { is: 'number', text: first }
  }
  const array = (depth: number): Json => {
    const items: Json[] = []
    for (let next = token(); next !== ']' || items.length > 0; next = token()) {
      items.push(value(next, depth + 1))
      const end = token()
      if (end === ']') break
      if (end !== ',') throw new JsonError('malformed')
    }
    return { is: 'array', items }
  }
  const object = (depth: number): Json => {
    const members: (readonly [string, Json])[] = []
    for (let next = token(); next !== '}' || members.length > 0; next = token()) {
      if (!next.startsWith('"')) throw new JsonError('malformed')
      const key = string(next)
      if (key.length > 262_144) throw new JsonError('longKey')
      if (token() !== ':') throw new JsonError('malformed')
      members.push([key, value(token(), depth + 1)])
      const end = token()
      if (end === '}') break
      if (end !== ',') throw new JsonError('malformed')
    }
    return { is: 'object', members }
  }
  while (!isAtEnd()) yield value(token(), 0)
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/** Without white space; control characters in strings as their short escapes or `\u001F`. */
export function compactJson(json: Json, key: (key: string) => string): string {
  switch (json.is) {
    case 'array':
      return `[${json.items.map((item) => compactJson(item, key)).join(',')}]`
    case 'object':
      return `{${json.members.map(([name, value]) => `${quoted(key(name))}:${compactJson(value, key)}`).join(',')}}`
    case 'string':
      return quoted(json.text)
    case 'number':
      return json.text
    case 'true':
    case 'false':
    case 'null':
      return json.is
    default:
      throw new Error('no JSON')
  }
}

function quoted(text: string): string {
  let json = ''
  for (const character of text) {
    const short = { '"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't' }[character]
    const code = character.charCodeAt(0)
    if (short !== undefined) json += `\\${short}`
    else json += code < 0x20 ? `\\u${code.toString(16).toUpperCase().padStart(4, '0')}` : character
  }
  return `"${json}"`
}

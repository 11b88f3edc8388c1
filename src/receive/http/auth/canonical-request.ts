/**
 * The text of a request that Signature Version 4 signs
 * (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html), made from what came on the wire.
 *
 * Texts hold one byte of the wire in each character, as Node reads them, and are signed as such: what a client sent in
 * UTF-8 is the same bytes again.
 */

/** A request as it came, besides its body. */
export interface RequestHead {
  readonly method: string
  /** As it stands on the request line. */
  readonly target: string
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[]
}

/** What of a request can be signed, besides its body. */
export interface SignableRequest {
  readonly method: string
  readonly target: string
  /** Values of each header in the order in which they came, by lower-case name. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>
}

export function signable({ method, target, rawHeaders }: RequestHead): SignableRequest {
  const headers = Object.create(null) as Record<string, string[]>
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    const value = rawHeaders[index + 1] ?? ''
    const values = headers[name]
    if (values === undefined) headers[name] = [value]
    else values.push(value)
  }
  return { method, target, headers }
}

/** All but its last line, which is the hash of the body. */
export function canonicalHead(
  { method, target, headers }: SignableRequest,
  signedHeaders: readonly string[],
): string {
  const { path, query } = split(target)
  const lines = signedHeaders.map((name) => `${name}:${canonicalValues(headers[name])}\n`)
  return `${method}\n${canonicalPath(path)}\n${canonicalQuery(query)}\n${lines.join('')}\n${signedHeaders.join(';')}\n`
}

/** Whether the query string asks to be taken as a signature (a presigned URL). */
export function signsInQuery(target: string): boolean {
  return target.includes('X-Amz-Algorithm') && /[?&]X-Amz-Algorithm(=|&|$)/.test(target)
}

/** A proxy's request line may name scheme and host as well; they are no part of the path. */
function split(target: string): { path: string; query: string } {
  const local = /^https?:\/\/[^/?]*(.*)$/is.exec(target)?.[1] ?? target
  const mark = local.indexOf('?')
  return mark < 0 ? { path: local, query: '' } : { path: local.slice(0, mark), query: local.slice(mark + 1) }
}

/** Without empty, `.` and `..` segments; then escaped, once more where it came escaped, as all services but S3 have it. */
function canonicalPath(path: string): string {
  if (path === '/' || path === '') return '/'
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(escape(segment))
  }
  const folder = path.endsWith('/') && kept.length > 0 ? '/' : ''
  return `/${kept.join('/')}${folder}`
}

function canonicalQuery(query: string): string {
  if (query === '') return ''
  return query
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter) => {
      const equals = parameter.indexOf('=')
      const name = equals < 0 ? parameter : parameter.slice(0, equals)
      const value = equals < 0 ? '' : parameter.slice(equals + 1)
      return [escape(unescape(name)), escape(unescape(value))] as const
    })
    .toSorted(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function canonicalValues(values: readonly string[] | undefined): string {
  if (values === undefined) return ''
  return values.length === 1 ? canonicalValue(values[0] ?? '') : values.map(canonicalValue).join(',')
}

/** Spaces are those of ASCII: others are parts of characters. */
function canonicalValue(value: string): string {
  return /[\t\n\v\f\r]|  |^ | $/.test(value)
    ? value.replaceAll(/[\t\n\v\f\r ]+/g, ' ').replaceAll(/^ | $/g, '')
    : value
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function escape(bytes: string): string {
  return bytes.replaceAll(/[^A-Za-z0-9\-._~]/g, escaped)
}

function escaped(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

function unescape(text: string): string {
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

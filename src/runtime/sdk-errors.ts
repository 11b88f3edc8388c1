/** What an error of the AWS SDK, of Node's sockets or of a proxy is called, for whoever finds it in a table. */

/**
 * The names of an error from the outside in: Node's code first, because the SDK calls a broken connection a time-out.
 * The SDK hides the socket's error in `cause`, Node hides several attempts in `errors`.
 */
export function namesOf(cause: unknown, depth = 0): readonly string[] {
  if (!(cause instanceof Error) || depth > 3) return []
  const own = [Reflect.get(cause, 'code'), Reflect.get(cause, 'Code'), cause.name]
  const inner: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause.cause]
  return [
    ...own.filter((name): name is string => typeof name === 'string' && name !== ''),
    ...inner.flatMap((error) => namesOf(error, depth + 1)),
  ]
}

/** @param known a name in a table; one that ends in `*` is the beginning of several */
export function isNameOf(known: string, name: string): boolean {
  return known.endsWith('*') ? name.startsWith(known.slice(0, -1)) : known === name
}

/** The HTTP status of an answer, even of one that the SDK could not read. */
export function statusOf(cause: unknown): number | undefined {
  if (!(cause instanceof Error)) return undefined
  const metadata: unknown = Reflect.get(cause, '$metadata')
  const response: unknown = Reflect.get(cause, '$response')
  return numberIn(metadata, 'httpStatusCode') ?? numberIn(response, 'statusCode')
}

function numberIn(value: unknown, key: string): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const number: unknown = Reflect.get(value, key)
  return typeof number === 'number' ? number : undefined
}

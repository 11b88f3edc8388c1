/**
 * The order in which the service prints what is wrong with the members of a structure. It is that of a Java HashMap of
 * their names: so it was seen on the real service for ParquetSerDe, OrcSerDe, SchemaConfiguration, Processor and
 * DataFormatConversionConfiguration, each with several members wrong at once.
 */

/** Java's smallest table; one is doubled when it is three quarters full. */
const BUCKETS_MIN = 16

export function javaHashOrder(names: readonly string[]): readonly string[] {
  let buckets = BUCKETS_MIN
  while (names.length > buckets * 0.75) buckets *= 2
  const bucketOf = (name: string): number => spreadHash(camelCase(name)) & (buckets - 1)
  return names.toSorted((a, b) => bucketOf(a) - bucketOf(b))
}

/** `String.hashCode`, with its upper half folded into the lower as HashMap does. */
function spreadHash(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index += 1)
    hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0
  return hash ^ (hash >>> 16)
}

/** A member's name as the service writes it in paths. */
export function camelCase(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

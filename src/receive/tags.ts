/** Tags of a delivery stream: in order of keys, which are unique. */
import type { Tag } from '../domain/delivery-stream.ts'

/** Tags of one delivery stream (docs.aws.amazon.com/firehose/latest/APIReference/API_TagDeliveryStream.html). */
export const TAGS_MAX = 50

/** The given tags take the place of those with their keys; of two with one key the last counts. */
export function taggedWith(tags: readonly Tag[], given: readonly Tag[]): readonly Tag[] {
  const byKey = new Map([...tags, ...given].map((tag) => [tag.Key, tag]))
  return [...byKey.values()].toSorted((a, b) => (a.Key < b.Key ? -1 : 1))
}

/** Keys that no tag has are passed over. */
export function untagged(tags: readonly Tag[], keys: readonly string[]): readonly Tag[] {
  return tags.filter(({ Key }) => !keys.includes(Key))
}

export function sameTags(a: readonly Tag[], b: readonly Tag[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ Key, Value }, index) => b[index]?.Key === Key && b[index].Value === Value)
  )
}

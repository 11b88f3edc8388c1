/** What partitioning said of the records of a batch: which object each goes to, or why it goes to none. */
import { NOT_PARTITIONED, PARTITION_VERDICT, type PartitionObject, type Partitions } from '../domain/ports.ts'
import type { PartitionKeys, RecordVerdict } from '../domain/record-metadata.ts'

/** Code of a record whose partition is one too many for its batch. */
export const PARTITIONS_EXCEEDED = 'DynamicPartitioning.ActivePartitionsLimitExceeded'

/** Why partitioning refused a record; undefined when it did not. */
export function partitionVerdict(
  partitions: Partitions | undefined,
  ordinal: number,
): RecordVerdict | undefined {
  if (partitions === undefined) return undefined
  const object = partitions.objectOf[ordinal]
  if (object === undefined || object === NOT_PARTITIONED)
    throw new Error(`look up object of record ${ordinal}: it was not partitioned`)
  if (object < PARTITION_VERDICT) return undefined
  const verdict = partitions.verdicts[object - PARTITION_VERDICT]
  if (verdict === undefined) throw new Error(`look up object of record ${ordinal}: its verdict is not there`)
  return verdict
}

/** Whether partitioning refused one of `count` records. */
export function isAnyRefused(partitions: Partitions | undefined, from: number, count: number): boolean {
  if (partitions === undefined) return false
  const { objectOf } = partitions
  for (let ordinal = from; ordinal < from + count; ordinal += 1) {
    const object = objectOf[ordinal] ?? NOT_PARTITIONED
    if (object >= PARTITION_VERDICT && object !== NOT_PARTITIONED) return true
  }
  return false
}

/** Objects of the records that have one, in order: what an encoder is given. */
export function objectsOfUndecided({ objectOf }: Partitions): Uint32Array {
  let count = 0
  for (const object of objectOf) if (object < PARTITION_VERDICT) count += 1
  if (count === objectOf.length) return objectOf
  const compacted = new Uint32Array(count)
  let end = 0
  for (const object of objectOf) {
    if (object >= PARTITION_VERDICT) continue
    compacted[end] = object
    end += 1
  }
  return compacted
}

/** The object that an encoder made rows for. */
export function partitionObject({ objects }: Partitions, index: number): PartitionObject {
  const object = objects[index]
  if (object === undefined) throw new Error(`name object ${index}: there are ${objects.length}`)
  return object
}

/** Names a partition by the values of its keys: the same text for the same values, another for others. */
export function partitionText({ queryKeys, lambdaKeys }: PartitionObject): string {
  return JSON.stringify([entries(queryKeys), entries(lambdaKeys)])
}

function entries(keys: PartitionKeys): readonly (readonly [string, string])[] {
  return Object.entries(keys).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

/** Partitions that a batch has objects of. */
export function partitionsIn({ objects }: Partitions): number {
  return objects.filter(({ part }) => part === 0).length
}

/** Whether a record failed because its partition was one too many. */
export function isOverLimit({ verdicts }: Partitions): boolean {
  return verdicts.some(({ code }) => code === PARTITIONS_EXCEEDED)
}

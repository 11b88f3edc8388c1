/** The objects of a batch that hold its rows: their keys, and their puts, several at a time. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DeliveredObject } from '../domain/outcome.ts'
import type { Plan } from '../domain/plan.ts'
import type { Destination, EncodedObject, Partitions } from '../domain/ports.ts'
import type { CrashHook } from '../runtime/crash-point.ts'
import { putObject, type DeliveryAttempt } from './attempt.ts'
import { objectKey } from './object-key.ts'
import { partitionObject, partitionText } from './partition-objects.ts'
import { severalAtATime } from './several-at-a-time.ts'

/** A batch may have thousands of objects, each of them small: most of a put is waiting. */
const PUTS_AT_A_TIME = 8
/** Named before other work of the process gets its turn. */
const KEYS_PER_TURN = 128

export interface DataObjectsOptions {
  readonly destination: Destination
  readonly crash: CrashHook
}

/** Answers in the order of the objects. The first failure keeps the rest from being put. */
export async function putDataObjects(
  { destination, crash }: DataObjectsOptions,
  attempt: DeliveryAttempt,
  encoded: readonly EncodedObject[],
  partitions: Partitions | undefined,
): Promise<DeliveredObject[]> {
  const objects = await named(attempt, encoded, partitions)
  assertDistinct(objects.map(({ key }) => key))
  const place = attempt.plan.destination
  return severalAtATime(objects, PUTS_AT_A_TIME, async ({ object, key }) => {
    const { part, rows, body, contentEncoding } = object
    const encoding = contentEncoding === undefined ? {} : { contentEncoding }
    const bytes = await putObject(destination, attempt, place, { key, body, part: String(part), ...encoding })
    crash('after-put')
    return { bucket: place.bucket, key, bytes, rows, kind: 'data' }
  })
}

interface NamedObject {
  readonly object: EncodedObject
  readonly key: string
}

/** All of them before one is put. A key takes some hundredths of a millisecond. */
async function named(
  attempt: DeliveryAttempt,
  encoded: readonly EncodedObject[],
  partitions: Partitions | undefined,
): Promise<readonly NamedObject[]> {
  const objects: NamedObject[] = []
  for (const object of encoded) {
    objects.push({ object, key: keyOf(attempt, object, partitions) })
    if (objects.length % KEYS_PER_TURN === 0) await nextTurn()
  }
  return objects
}

function keyOf(
  { batch, plan, digest, piece }: DeliveryAttempt,
  { part, extension }: EncodedObject,
  partitions: Partitions | undefined,
): string {
  const { destination } = plan
  const { batchId, stream } = batch
  const object = partitions && partitionObject(partitions, part)
  const sourceDigest = digest.value
  return objectKey({
    ...timesOf(plan),
    prefix: destination.prefix,
    stream: stream.name,
    version: plan.version,
    oldestArrivalMs: object?.oldestArrivalMs ?? batch.oldestArrivalMs,
    ...(object && { queryKeys: object.queryKeys, lambdaKeys: object.lambdaKeys }),
    identity: {
      batchId,
      sourceDigest,
      partition: object === undefined ? '' : partitionText(object),
      part: object?.part ?? part,
      ...(piece && { piece: piece.index }),
    },
    extension: destination.fileExtension ?? extension,
  })
}

export function timesOf({ destination: { timeZone } }: Plan): { readonly timeZone?: string } {
  return timeZone === undefined ? {} : { timeZone }
}

/** The second of two would be taken for another batch's, and the batch set aside. */
function assertDistinct(keys: readonly string[]): void {
  if (new Set(keys).size !== keys.length)
    throw new Error(`name objects: ${keys.length} objects have ${new Set(keys).size} keys`)
}

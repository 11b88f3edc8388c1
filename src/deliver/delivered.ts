/** What is told of a batch that was delivered: to the journal, the metrics and the log. */
import type { Log } from '../account/log.ts'
import type { Metrics } from '../account/metrics.ts'
import type { SealedBatch } from '../domain/batch.ts'
import type { DeliveredObject, Outcome } from '../domain/outcome.ts'
import type { Landed } from './landing.ts'
import { PARTITIONS_EXCEEDED } from './partition-objects.ts'

/** As JSON in a journal entry. A store keeps a few megabytes of entries for a stream; one batch must not push the others out. */
const JOURNAL_OBJECTS_BYTES_MAX = 512 * 1024
/** A line of the log is read by people and by tools that cut lines off. */
const LOGGED_OBJECTS_MAX = 20

/** The outcome with as many of its objects as a journal entry holds: those of errors and of the backup, then of the data. */
export function journaled(outcome: Outcome): Outcome {
  const isData = ({ kind }: DeliveredObject): boolean => kind === 'data'
  let room = JOURNAL_OBJECTS_BYTES_MAX
  const takes = (object: DeliveredObject): boolean => {
    room -= Buffer.byteLength(JSON.stringify(object)) + 1
    return room >= 0
  }
  const kept = new Set(outcome.objects.filter((object) => !isData(object) && takes(object)))
  for (const object of outcome.objects) {
    if (!isData(object)) continue
    if (!takes(object)) break
    kept.add(object)
  }
  if (kept.size === outcome.objects.length) return outcome
  return {
    ...outcome,
    objects: outcome.objects.filter((object) => kept.has(object)),
    objectsLeftOut: outcome.objects.length - kept.size,
  }
}

export interface ToldTo {
  readonly metrics: Metrics
  readonly log: Log
}

export function tellDelivered({ metrics, log }: ToldTo, batch: SealedBatch, landed: Landed): void {
  const { outcome, partitions } = landed
  countDelivered(metrics, batch.stream.name, landed)
  const { objects } = outcome
  const batchFields = { deliveryStream: batch.stream.name, batchId: batch.batchId }
  log.info(
    {
      ...batchFields,
      attempt: batch.attempts,
      records: batch.records,
      bytes: batch.bytes,
      rows: outcome.rows,
      failed: outcome.failed,
      dropped: outcome.dropped,
      ...(partitions === undefined ? {} : { partitions }),
      objectCount: objects.length,
      objects: objects.slice(0, LOGGED_OBJECTS_MAX).map(({ bucket, key, bytes }) => ({ bucket, key, bytes })),
    },
    'batch delivered',
  )
  if (landed.isOverPartitions !== true) return
  const hint =
    'raise delivery.maxPartitions (0 is no limit), or partition by a key of fewer values; these records are under partitioning-failed'
  log.warn(
    { ...batchFields, partitions, failed: outcome.errors[PARTITIONS_EXCEEDED], hint },
    'batch had more partitions than its limit',
  )
}

function countDelivered(metrics: Metrics, deliveryStream: string, landed: Landed): void {
  const { outcome, partitions, isOverPartitions = false } = landed
  const stream = { delivery_stream: deliveryStream }
  metrics.count('hydrant_delivered_records_total', stream, outcome.delivered)
  metrics.count('hydrant_dropped_records_total', stream, outcome.dropped)
  metrics.count('hydrant_rows_total', stream, outcome.rows)
  for (const [code, amount] of Object.entries(outcome.errors)) {
    metrics.count('hydrant_failed_records_total', { ...stream, code }, amount)
  }
  for (const { kind, bytes } of outcome.objects) {
    metrics.count('hydrant_objects_total', { ...stream, kind })
    metrics.count('hydrant_object_bytes_total', { ...stream, kind }, bytes)
  }
  if (partitions === undefined) return
  metrics.set('hydrant_batch_partitions', stream, partitions)
  metrics.count('hydrant_partition_limit_exceeded_total', stream, isOverPartitions ? 1 : 0)
}

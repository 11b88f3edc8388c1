/**
 * The backup of a batch (S3BackupMode Enabled): every record as it came, those that fail or yield nothing too, joined with
 * nothing between and compressed as the backup's place asks.
 *
 * It comes before the conversion, so that a batch that cannot be converted, or whose destination is lost, is in its backup
 * all the same; and its encoding is gone before the next begins, so that only one is held at a time. Nor may a lost backup
 * keep the data from its destination: its puts have half of the attempt's time, and what fails at the backup's place is
 * kept until the data has landed, and fails the attempt then. The batch is kept until both are there; what an earlier attempt
 * has put is recognized.
 */
import type { S3Place } from '../domain/delivery-stream.ts'
import { DestinationError } from '../domain/errors.ts'
import type { DeliveredObject } from '../domain/outcome.ts'
import { RAW, type Plan } from '../domain/plan.ts'
import type { Clock, Destination, EncodedObject, Encoder } from '../domain/ports.ts'
import type { CrashHook } from '../runtime/crash-point.ts'
import { putObject, type DeliveryAttempt } from './attempt.ts'
import { startDeadline } from './deadline.ts'
import { objectKey } from './object-key.ts'

export interface BackupOptions {
  readonly destination: Destination
  readonly encoderFor: (plan: Plan, careful: boolean) => Promise<Encoder>
  readonly crash: CrashHook
  readonly clock: Pick<Clock, 'sleep'>
  readonly attemptMaxMs: number
}

export interface BackedUp {
  readonly objects: readonly DeliveredObject[]
  /** The backup's place did not take them. */
  readonly failure?: DestinationError
}

/** Nothing without a backup in the plan, and of a batch of empty records. */
export async function backUp(options: BackupOptions, attempt: DeliveryAttempt): Promise<BackedUp> {
  const place = attempt.plan.destination.backup
  if (place === undefined) return { objects: [] }
  const { batch, frames, signal } = attempt
  const plan = planOf(place, attempt.plan.version)
  const encoder = await options.encoderFor(plan, attempt.careful)
  const encoded = await encoder.encode({ batch, plan, frames, careful: attempt.careful, signal })
  const deadline = startDeadline(options.clock, options.attemptMaxMs / 2, { signal, late: tookTooLong })
  try {
    options.crash('after-backup-encode')
    const objects: DeliveredObject[] = []
    for (const object of encoded.objects) {
      objects.push(
        await putBackup(options.destination, { ...attempt, signal: deadline.signal }, place, object),
      )
      options.crash('after-backup-put')
    }
    return { objects }
  } catch (error) {
    if (!(error instanceof DestinationError) || signal.aborted) throw error
    return { objects: [], failure: error }
  } finally {
    deadline.end()
    await encoded.dispose()
  }
}

function tookTooLong(): DestinationError {
  return new DestinationError('put backup: it took more than half of the attempt', {
    code: 'Aborted',
    retryable: true,
    hint: 'see that the store of the backup answers; the same object will be put again',
  })
}

/** A plan of raw delivery into the backup's place. */
function planOf(place: S3Place, version: number): Plan {
  return { version, destination: place, ...RAW }
}

/** CustomTimeZone and FileExtension are the data's alone: the service has no such members for a backup. */
async function putBackup(
  destination: Destination,
  attempt: DeliveryAttempt,
  place: S3Place,
  { part, rows, body, extension, contentEncoding }: EncodedObject,
): Promise<DeliveredObject> {
  const { batch, plan, digest } = attempt
  const key = objectKey({
    kind: 'backup',
    prefix: place.prefix,
    stream: batch.stream.name,
    version: plan.version,
    oldestArrivalMs: batch.oldestArrivalMs,
    identity: { batchId: batch.batchId, sourceDigest: digest.value, partition: '', part },
    extension,
  })
  const encoding = contentEncoding === undefined ? {} : { contentEncoding }
  const object = { key, body, part: `backup-${part}`, ...encoding }
  const bytes = await putObject(destination, attempt, place, object)
  return { bucket: place.bucket, key, bytes, rows, kind: 'backup' }
}

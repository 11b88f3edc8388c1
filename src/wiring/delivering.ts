/** The delivery role: sealer, sweep, conversion, destination, joined to the queue. */
import type { Log } from '../account/log.ts'
import { openEngines } from '../convert/engines.ts'
import { StagingFolder } from '../convert/staging.ts'
import { createDelivery } from '../deliver/delivery.ts'
import { fairTurns } from '../deliver/fair-turns.ts'
import { createFolderDestination } from '../deliver/folder.ts'
import type { DeliveryQueue } from '../deliver/queue.ts'
import { transformTurns } from '../deliver/transform-turns.ts'
import type { DeliveryStream, S3Place } from '../domain/delivery-stream.ts'
import type { Destination, Store } from '../domain/ports.ts'
import { systemClock as clock } from '../runtime/clock.ts'
import { startSealer } from '../seal/sealer.ts'
import { startSweep } from '../seal/sweep.ts'
import type { Parts } from './parts.ts'
import { openProcessors, planLimits } from './processing.ts'

/** How long running deliveries may go on after the stop was asked for. */
const DELIVERY_STOP_MS = 20_000
const BUCKET_CHECK_MS = 10_000

export async function startDelivering(parts: Parts & { readonly queue: DeliveryQueue }): Promise<void> {
  const { config, store, queue, dispatch, dispatchSealed, resolveColumns, metrics, log, crash, onStop } =
    parts
  const { engine, threads, memoryLimit, stagingPath } = config.convert
  const engines = await openEngines({ engine, threads, memoryLimitBytes: memoryLimit, stagingPath, log })
  onStop(() => engines.close())
  const destination = await openDestination(parts)
  const staging = await StagingFolder.open(stagingPath)
  onStop(() => staging.remove())
  const deliver = createDelivery({
    store,
    resolveColumns,
    engine: engines.planned,
    planLimits: planLimits(config),
    encoderFor: (plan, careful) => engines.encoderFor(plan, careful),
    processors: openProcessors({ ...parts, ...store, stagingPath: staging.path }),
    destination,
    dispatch,
    stagingPath: staging.path,
    clock,
    metrics,
    log,
    crash,
    attemptMaxMs: config.delivery.attemptMaxMinutes * 60_000,
  })
  const { concurrency } = config.delivery
  await queue.start(transformTurns(fairTurns(deliver), { concurrency, clock, metrics }))
  onStop(() => queue.stop(DELIVERY_STOP_MS))
  void checkBuckets(store, destination, log)
  const sweep = startSweep({
    store,
    dispatch,
    clock,
    log,
    retentionMs: config.delivery.retentionHours * 3_600_000,
  })
  onStop(() => sweep.stop())
  const sealer = startSealer({ store, dispatch: dispatchSealed, clock, metrics, log })
  onStop(() => sealer.stop())
}

/** What speaks S3 is loaded where it is used. */
async function openDestination({ config, sessions, log, onStop }: Parts): Promise<Destination> {
  const { objectStore, aws } = config
  if (objectStore.type === 'file') return createFolderDestination({ root: objectStore.root })
  const { type: _type, ...settings } = objectStore
  const { createS3Destination } = await import('../deliver/s3.ts')
  const s3 = createS3Destination({ region: aws.region, ...settings, roles: sessions, log })
  onStop(() => Promise.resolve(s3.close()))
  return s3
}

/** A bucket that cannot be reached is worth a word before its first batch; puts may work all the same. */
async function checkBuckets(store: Store, destination: Destination, log: Log): Promise<void> {
  try {
    const streams = await store.registry.list()
    for (const { bucket, roleArn } of placesOf(streams)) {
      await destination
        .check(bucket, AbortSignal.timeout(BUCKET_CHECK_MS), roleArn)
        .catch((err: unknown) => log.warn({ bucket, err }, 'bucket check failed'))
    }
  } catch (err) {
    log.warn({ err }, 'buckets were not checked')
  }
}

/** Each bucket once for each role that puts into it, those of backups too. */
function placesOf(streams: readonly DeliveryStream[]): Iterable<S3Place> {
  const places = streams.flatMap(({ destination }) => [destination, destination.backup ?? []].flat())
  return new Map(places.map((place) => [JSON.stringify([place.bucket, place.roleArn]), place])).values()
}

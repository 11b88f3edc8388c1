/**
 * The wiring: every stage is made here and joined to its neighbours, in the order in which a record passes them.
 *
 *   receive -> buffer -> seal -> queue -> deliver (convert, put) -> account
 *
 * `start` brings up what the roles ask for; the API comes last, so that nothing is taken before it can go on. `stop` goes
 * the way of the records: no more are taken, those taken become durable, running deliveries end, the store closes.
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { Health } from './account/health.ts'
import { exportLedger } from './account/ledger.ts'
import type { Log } from './account/log.ts'
import { Metrics } from './account/metrics.ts'
import { createAdminServer } from './admin/server.ts'
import { tableColumns } from './config/catalog.ts'
import { nearestName } from './config/nearest-name.ts'
import type { Role } from './config/roles.ts'
import type { Config } from './config/schema.ts'
import { openEngines, unsupportedColumns } from './convert/engines.ts'
import { StagingFolder } from './convert/staging.ts'
import { BullmqQueue } from './deliver/bullmq-queue.ts'
import { createDelivery } from './deliver/delivery.ts'
import { createDispatch } from './deliver/dispatch.ts'
import { fairTurns } from './deliver/fair-turns.ts'
import { createFolderDestination } from './deliver/folder.ts'
import { LocalQueue } from './deliver/local-queue.ts'
import type { DeliveryQueue } from './deliver/queue.ts'
import { createS3Destination } from './deliver/s3.ts'
import type { DeliveryStream, TableRef } from './domain/delivery-stream.ts'
import { EncoderError } from './domain/errors.ts'
import type { Destination, Dispatch, ResolveColumns, Store } from './domain/ports.ts'
import { createAccept } from './receive/accept.ts'
import { applyDeclarations } from './receive/declarations.ts'
import { createApiServer } from './receive/http/server.ts'
import { createStreamDirectory } from './receive/stream-directory.ts'
import { systemClock as clock } from './runtime/clock.ts'
import type { CrashHook } from './runtime/crash-point.ts'
import { startSealer } from './seal/sealer.ts'
import { startSweep } from './seal/sweep.ts'
import { openLmdbStore } from './store/lmdb/store.ts'
import { openRedisStore } from './store/redis/store.ts'

export interface AppOptions {
  readonly roles: ReadonlySet<Role>
  readonly log: Log
  readonly crash: CrashHook
}

/** What is up, for the operator to see. */
export interface Started {
  readonly api: { readonly host: string; readonly port: number } | undefined
  readonly admin: { readonly host: string; readonly port: number }
  readonly streams: readonly DeliveryStream[]
  /** What an acknowledgement means with this store, in one line. */
  readonly promise: string
}

export interface App {
  start(): Promise<Started>
  /** Resolves when everything taken is durable and nothing runs. */
  stop(): Promise<void>
}

/** How long running deliveries may go on after the stop was asked for. */
const DELIVERY_STOP_MS = 20_000
const BUCKET_CHECK_MS = 10_000

export function createApp(config: Config, options: AppOptions): App {
  const closers: (() => Promise<void>)[] = []
  return {
    async start() {
      try {
        return await bringUp(config, options, (close) => closers.unshift(close))
      } catch (error) {
        await closeAll(closers, options.log)
        throw error
      }
    },
    stop: () => closeAll(closers, options.log),
  }
}

/** Closes what was opened, last opened first; one failure does not keep the rest open. */
async function closeAll(closers: (() => Promise<void>)[], log: Log): Promise<void> {
  for (const close of closers.splice(0)) {
    try {
      await close()
    } catch (err) {
      log.error({ err }, 'part of the process did not stop in good order')
    }
  }
}

type OnStop = (close: () => Promise<void>) => void

async function bringUp(config: Config, { roles, log, crash }: AppOptions, onStop: OnStop): Promise<Started> {
  const epoch = randomBytes(8).toString('hex')
  const metrics = new Metrics()
  const health = new Health()
  const admin = createAdminServer({ ...config.admin, metrics, health, log })
  const adminAt = await admin.start()
  onStop(() => admin.stop())

  const store = await openStore(config, epoch, log)
  onStop(() => store.close())
  health.addCheck('store', () => store.check())
  exportLedger({ ...store, metrics, onError: (err) => log.warn({ err }, 'ledger could not be read') })

  const queue = openQueue(config, log)
  if (!roles.has('delivery')) onStop(() => queue.stop(0))
  const dispatch = createDispatch({ buffer: store.buffer, queue, perStream: config.delivery.perStream })
  admin.openStore({ store, dispatch })
  const dispatchSealed = crashingDispatch(dispatch, crash)
  const resolveColumns = catalogColumns(config)
  const streams = await applyDeclarations({
    declarations: config.deliveryStreams,
    registry: store.registry,
    context: { ...config.aws, limits: config.limits, nearestName },
    clock,
    log,
    resolveColumns,
    supportsColumns: (columns) => unsupportedColumns(config.convert.engine, columns),
  })
  if (roles.has('delivery')) {
    await startDelivering({
      config,
      store,
      queue,
      dispatch,
      dispatchSealed,
      resolveColumns,
      metrics,
      log,
      crash,
      onStop,
    })
  }
  const api = roles.has('api')
    ? await startReceiving({
        config,
        store,
        dispatch: dispatchSealed,
        resolveColumns,
        metrics,
        log,
        epoch,
        onStop,
      })
    : undefined
  health.started()
  onStop(() => Promise.resolve(health.stopping()))
  return { api, admin: adminAt, streams, promise: store.promise }
}

function openStore({ buffer }: Config, epoch: string, log: Log): Promise<Store> {
  const holder = `${hostname()}-${process.pid}-${epoch}`
  return buffer.type === 'embedded'
    ? openLmdbStore({ ...buffer, clock, holder })
    : openRedisStore({ ...buffer, holder, log })
}

function openQueue({ buffer, delivery }: Config, log: Log): DeliveryQueue {
  const { concurrency } = delivery
  return buffer.type === 'embedded'
    ? new LocalQueue({ concurrency, clock, log })
    : new BullmqQueue({ url: buffer.url, keyPrefix: buffer.keyPrefix, concurrency, clock, log })
}

/** The dispatch that follows a seal, whoever sealed, between its crash points. */
function crashingDispatch(dispatch: Dispatch, crash: CrashHook): Dispatch {
  return async (stream) => {
    crash('after-seal')
    await dispatch(stream)
    crash('after-dispatch')
  }
}

/** Tables of the configuration's catalog. */
function catalogColumns(config: Config): ResolveColumns {
  return (table: TableRef) => {
    const columns = tableColumns(config, table.databaseName, table.tableName)
    if (columns !== undefined) return Promise.resolve(columns)
    const name = `${table.databaseName}.${table.tableName}`
    return Promise.reject(
      new EncoderError(`look up table ${name}: it is not in the catalog`, {
        code: 'EntityNotFound',
        hint: `add ${name} to catalog.databases in the configuration file`,
      }),
    )
  }
}

interface DeliveringParts {
  readonly config: Config
  readonly store: Store
  readonly queue: DeliveryQueue
  readonly dispatch: Dispatch
  readonly dispatchSealed: Dispatch
  readonly resolveColumns: ResolveColumns
  readonly metrics: Metrics
  readonly log: Log
  readonly crash: CrashHook
  readonly onStop: OnStop
}

async function startDelivering(parts: DeliveringParts): Promise<void> {
  const { config, store, queue, dispatch, dispatchSealed, resolveColumns, metrics, log, crash, onStop } =
    parts
  const { engine, threads, memoryLimit, stagingPath } = config.convert
  const engines = await openEngines({ engine, threads, memoryLimitBytes: memoryLimit, stagingPath, log })
  onStop(() => engines.close())
  const destination = openDestination(config, log, onStop)
  const staging = await StagingFolder.open(stagingPath)
  onStop(() => staging.remove())
  const deliver = createDelivery({
    store,
    resolveColumns,
    engine: engines.planned,
    encoderFor: (plan, careful) => engines.encoderFor(plan, careful),
    destination,
    dispatch,
    stagingPath: staging.path,
    clock,
    metrics,
    log,
    crash,
    attemptMaxMs: config.delivery.attemptMaxMinutes * 60_000,
  })
  await queue.start(fairTurns(deliver))
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

function openDestination({ objectStore, aws }: Config, log: Log, onStop: OnStop): Destination {
  if (objectStore.type === 'file') return createFolderDestination({ root: objectStore.root })
  const { type: _type, ...settings } = objectStore
  const s3 = createS3Destination({ region: aws.region, ...settings, log })
  onStop(() => Promise.resolve(s3.close()))
  return s3
}

/** A bucket that cannot be reached is worth a word before its first batch; puts may work all the same. */
async function checkBuckets(store: Store, destination: Destination, log: Log): Promise<void> {
  try {
    const streams = await store.registry.list()
    for (const bucket of new Set(streams.map((stream) => stream.destination.bucket))) {
      await destination
        .check(bucket, AbortSignal.timeout(BUCKET_CHECK_MS))
        .catch((err: unknown) => log.warn({ bucket, err }, 'bucket check failed'))
    }
  } catch (err) {
    log.warn({ err }, 'buckets were not checked')
  }
}

interface ReceivingParts {
  readonly config: Config
  readonly store: Store
  readonly dispatch: Dispatch
  readonly resolveColumns: ResolveColumns
  readonly metrics: Metrics
  readonly log: Log
  readonly epoch: string
  readonly onStop: OnStop
}

async function startReceiving(parts: ReceivingParts): Promise<{ host: string; port: number }> {
  const { config, store, dispatch, resolveColumns, metrics, log, epoch, onStop } = parts
  const { accept, drain } = createAccept({ buffer: store.buffer, dispatch, clock, metrics, log, epoch })
  onStop(drain)
  const server = createApiServer({
    ...config.server,
    ...config.aws,
    limits: config.limits,
    allowBeyondLoopback: config.auth?.mode === 'none',
    accept,
    directory: createStreamDirectory({ registry: store.registry, clock }),
    registry: store.registry,
    resolveColumns,
    supportsColumns: (columns) => unsupportedColumns(config.convert.engine, columns),
    clock,
    metrics,
    log,
  })
  const { port } = await server.start()
  onStop(() => server.stop())
  return { host: config.server.host, port }
}

/**
 * The wiring: every stage is made here and joined to its neighbours, in the order in which a record passes them.
 *
 *   receive (HTTP, Kinesis) -> buffer -> seal -> queue -> deliver (convert, put) -> account
 *
 * `start` brings up what the roles ask for; what takes records comes last, so that nothing is taken before it can go on. `stop` goes
 * the way of the records: no more are taken, those taken become durable, running deliveries end, the store closes.
 */
import { randomBytes } from 'node:crypto'
import { Health } from './account/health.ts'
import { exportLedger } from './account/ledger.ts'
import type { Log } from './account/log.ts'
import { Metrics } from './account/metrics.ts'
import { createAdminServer } from './admin/server.ts'
import { nearestName } from './config/nearest-name.ts'
import type { Role } from './config/roles.ts'
import type { Config } from './config/schema.ts'
import { unsupportedColumns } from './convert/served-columns.ts'
import { createDispatch } from './deliver/dispatch.ts'
import type { DeliveryStream } from './domain/delivery-stream.ts'
import type { Dispatch, Store } from './domain/ports.ts'
import { applyDeclarations, checkDeclarations, type DeclarationsOptions } from './receive/declarations.ts'
import { queryProblem } from './process/jq/query-problem.ts'
import { systemClock as clock } from './runtime/clock.ts'
import type { CrashHook } from './runtime/crash-point.ts'
import { openCatalog } from './wiring/catalog.ts'
import { Closers } from './wiring/closers.ts'
import { startDelivering } from './wiring/delivering.ts'
import { deploymentRules } from './wiring/deployment-rules.ts'
import { reread as rereadConfig, type Reread } from './wiring/in-force.ts'
import type { OnStop, Parts } from './wiring/parts.ts'
import { startReading } from './wiring/reading.ts'
import { openFrontDoor, startReceiving } from './wiring/receiving.ts'
import { openRoles } from './wiring/roles.ts'
import { openQueue, openStore } from './wiring/stores.ts'
import { tellUnattended } from './wiring/unattended.ts'

export interface AppOptions {
  readonly roles: ReadonlySet<Role>
  readonly log: Log
  readonly crash: CrashHook
}

/** What is up, for the operator to see. */
export interface Started {
  readonly api: { readonly host: string; readonly port: number; readonly isSecure: boolean } | undefined
  readonly admin: { readonly host: string; readonly port: number }
  readonly streams: readonly DeliveryStream[]
  /** What an acknowledgement means with this store, in one line. */
  readonly promise: string
}

export interface App {
  start(): Promise<Started>
  /**
   * Puts in force what of another configuration needs no restart. To be called when `start` has resolved, one at a time.
   *
   * @throws StartError for what cannot be declared, or what the store says; nothing is changed then
   */
  reload(file: Config): Promise<Reloaded>
  /** Resolves when everything taken is durable and nothing runs. A start that is under way is given up: `start` rejects. */
  stop(): Promise<void>
  /** Lets go of what an exit would wait for, in the middle of everything. */
  abandon(): Promise<void>
}

export interface Reloaded extends Reread {
  /** What kept delivery streams from being declared, after all else was put in force. */
  readonly failure?: unknown
}

/** How long a start may go on after the stop was asked for. */
const START_STOP_MS = 10_000

export function createApp(config: Config, options: AppOptions): App {
  const closers = new Closers(options.log)
  let starting: Promise<Up> | undefined
  let up: Up | undefined
  return {
    async start() {
      try {
        starting = bringUp(config, options, closers)
        up = await starting
        return up.started
      } catch (error) {
        await closers.close()
        throw error
      }
    },
    reload(file) {
      if (up === undefined) throw new Error('reload the configuration: the process has not started')
      return up.reload(file)
    },
    async stop() {
      await closers.close()
      // A start that fails tells whoever called `start`.
      const ended = new AbortController()
      const patience = clock.sleep(START_STOP_MS, ended.signal)
      await Promise.race([starting?.catch(() => undefined), patience])
      ended.abort()
      await closers.close()
    },
    abandon: () => closers.closeVital(),
  }
}

interface Up {
  readonly started: Started
  readonly reload: App['reload']
}

async function bringUp(config: Config, { roles, log, crash }: AppOptions, closers: Closers): Promise<Up> {
  const onStop: OnStop = (close) => closers.add(close)
  let inForce = config
  const epoch = randomBytes(8).toString('hex')
  const metrics = new Metrics()
  const health = new Health()
  const admin = createAdminServer({ ...config.admin, metrics, health, log })
  const adminAt = await admin.start()
  onStop(() => admin.stop())

  const store = await openOwnStore(config, epoch, log, closers)
  health.addCheck('store', () => store.check())
  exportLedger({ ...store, metrics, onError: (err) => log.warn({ err }, 'ledger could not be read') })

  const queue = await openQueue(config, log)
  if (!roles.has('delivery')) onStop(() => queue.stop(0))
  const dispatch = createDispatch({ buffer: store.buffer, queue, perStream: config.delivery.perStream })
  admin.openStore({ store, dispatch })
  const sessions = await openRoles(config, log, onStop)
  const catalog = openCatalog({ config, roles: sessions, log, onStop })
  const parts: Parts = {
    config,
    inForce: () => inForce,
    store,
    dispatch,
    dispatchSealed: crashingDispatch(dispatch, crash),
    resolveColumns: catalog(() => inForce),
    sessions,
    metrics,
    log,
    crash,
    epoch,
    onStop,
  }
  const streams = await applyDeclarations(declarationsOf(config, parts))
  tellUnattended({ config, roles, streams: await store.registry.list(), log })
  if (roles.has('delivery')) await startDelivering({ ...parts, queue })
  const door = openFrontDoor(parts)
  if (roles.has('kinesis')) startReading(parts, door.acceptFromShard)
  const api = roles.has('api') ? await startReceiving(parts, door.accept) : undefined
  health.started()
  onStop(() => Promise.resolve(health.stopping()))
  return {
    started: { api, admin: adminAt, streams, promise: store.promise },
    async reload(file) {
      const reread = rereadConfig(inForce, file)
      const next = declarationsOf(reread.config, parts)
      await checkDeclarations({ ...next, resolveColumns: catalog(() => reread.config) })
      api?.reload(reread.config)
      inForce = reread.config
      try {
        await applyDeclarations(next)
        tellUnattended({ config, roles, streams: await store.registry.list(), log })
      } catch (failure) {
        return { ...reread, failure }
      }
      return reread
    },
  }
}

async function openOwnStore(config: Config, epoch: string, log: Log, closers: Closers): Promise<Store> {
  const store = await openStore(config, epoch, log)
  // An exit waits for the threads of lmdb, see ending.ts.
  if (config.buffer.type === 'embedded') closers.addVital(() => store.close())
  else closers.add(() => store.close())
  return store
}

function declarationsOf(config: Config, { store, resolveColumns, log }: Parts): DeclarationsOptions {
  return {
    declarations: config.deliveryStreams,
    extensions: config.extensions,
    registry: store.registry,
    context: { ...config.aws, ...deploymentRules(config), limits: config.limits, nearestName },
    hasOtherCatalog: config.catalog.glue,
    clock,
    log,
    resolveColumns,
    supportsColumns: (columns, conversion) => unsupportedColumns(config.convert.engine, columns, conversion),
    queryProblem,
  }
}

/** The dispatch that follows a seal, whoever sealed, between its crash points. */
function crashingDispatch(dispatch: Dispatch, crash: CrashHook): Dispatch {
  return async (stream) => {
    crash('after-seal')
    await dispatch(stream)
    crash('after-dispatch')
  }
}

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
import type { Dispatch } from './domain/ports.ts'
import { applyDeclarations, checkDeclarations, type DeclarationsOptions } from './receive/declarations.ts'
import { queryProblem } from './process/jq/query-problem.ts'
import { systemClock as clock } from './runtime/clock.ts'
import type { CrashHook } from './runtime/crash-point.ts'
import { openCatalog } from './wiring/catalog.ts'
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
  /** Resolves when everything taken is durable and nothing runs. */
  stop(): Promise<void>
}

export interface Reloaded extends Reread {
  /** What kept delivery streams from being declared, after all else was put in force. */
  readonly failure?: unknown
}

export function createApp(config: Config, options: AppOptions): App {
  const closers: (() => Promise<void>)[] = []
  let up: Up | undefined
  return {
    async start() {
      try {
        up = await bringUp(config, options, (close) => closers.unshift(close))
        return up.started
      } catch (error) {
        await closeAll(closers, options.log)
        throw error
      }
    },
    reload(file) {
      if (up === undefined) throw new Error('reload the configuration: the process has not started')
      return up.reload(file)
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

interface Up {
  readonly started: Started
  readonly reload: App['reload']
}

async function bringUp(config: Config, { roles, log, crash }: AppOptions, onStop: OnStop): Promise<Up> {
  let inForce = config
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

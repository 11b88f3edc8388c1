/** What the joined parts of a process share. */
import type { Log } from '../account/log.ts'
import type { Metrics } from '../account/metrics.ts'
import type { Config } from '../config/schema.ts'
import type { RoleSessions } from '../deliver/role-sessions.ts'
import type { Dispatch, ResolveColumns, Store } from '../domain/ports.ts'
import type { CrashHook } from '../runtime/crash-point.ts'

/** Registers what a stop must close; last registered, first closed. Throws when the stop has begun, see Closers. */
export type OnStop = (close: () => Promise<void>) => void

export interface Parts {
  /** As it was at the start. */
  readonly config: Config
  /** What a reload may have changed of it. */
  readonly inForce: () => Config
  readonly store: Store
  readonly dispatch: Dispatch
  /** The dispatch that follows a seal, whoever sealed, between its crash points. */
  readonly dispatchSealed: Dispatch
  readonly resolveColumns: ResolveColumns
  /** Sessions under the roles of delivery streams; undefined when roles are not assumed. */
  readonly sessions: RoleSessions | undefined
  readonly metrics: Metrics
  readonly log: Log
  readonly crash: CrashHook
  /** Names this process in append ids; never used by another process, or by this one after a restart. */
  readonly epoch: string
  readonly onStop: OnStop
}

/** What the operations of the API work with. */
import type { Log } from '../../account/log.ts'
import type { Column } from '../../domain/delivery-stream.ts'
import type { Accept, Clock, Registry, ResolveColumns } from '../../domain/ports.ts'
import type { Extensions } from '../extensions.ts'
import type { StreamDirectory } from '../stream-directory.ts'
import type { Limits } from './shapes.ts'

export interface Api {
  readonly accept: Accept
  readonly directory: StreamDirectory
  readonly registry: Registry
  readonly region: string
  readonly accountId: string
  readonly limits: Limits
  /** For how long a delivery stream that is created here is shown CREATING; 0 unless it is set. */
  readonly creationSeconds?: number | undefined
  /** Objects are put under the roles that destinations name, so callers must be allowed to name them. */
  readonly assumeRoles?: boolean | undefined
  /** What AWS does not have, for the streams that are created here. */
  readonly extensions?: Extensions | undefined
  readonly clock: Clock
  readonly log: Log
  /** Columns of the table that a converting stream names; without it tables are not looked up when a stream is created. */
  readonly resolveColumns?: ResolveColumns | undefined
  /** What this deployment cannot convert of these columns, in a sentence. */
  readonly supportsColumns?: ((columns: readonly Column[]) => string | undefined) | undefined
  /** Keeps work that outlives its answer until the server stops. */
  readonly background: (work: Promise<void>) => void
}

/** Who calls, and what they may do (IAM's words). Nobody is asked for credentials: everything. */
export interface Caller {
  /** Throws ClientError AccessDeniedException unless the action, such as `firehose:PutRecord`, is allowed on this ARN. */
  authorize(action: string, resource: string): void
  /** The same for what a stream may be made to use: the ARN of a bucket, of a data stream, of a role that is assumed. */
  reach(resource: string): void
}

export interface Call {
  readonly caller: Caller
  /** The body as JSON. */
  readonly input: unknown
  /** The body was ASCII without `\u` escapes, so every string in it is ASCII. */
  readonly plain: boolean
}

/** Answers the JSON of its output. Fails with ClientError. */
export type Operation = (call: Call, api: Api) => Promise<string>

/** What the operations of the API work with. */
import type { Log } from '../../account/log.ts'
import type { TableRef } from '../../domain/delivery-stream.ts'
import type { Accept, Clock, Registry } from '../../domain/ports.ts'
import type { DeploymentRules } from '../definition.ts'
import type { Extensions } from '../extensions.ts'
import type { OutsideChecks } from '../outside-checks.ts'
import type { StreamDirectory } from '../stream-directory.ts'
import type { Limits } from './shapes.ts'

/** Tables and queries are looked at when a stream is created or updated, as far as there is a check. */
export interface Api extends DeploymentRules, OutsideChecks {
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
  /** Whether a table is read from AWS Glue with the keys of this process, so that callers must be allowed to name it. */
  readonly asksGlue?: ((table: TableRef) => boolean) | undefined
  readonly clock: Clock
  readonly log: Log
  /** Keeps work that outlives its answer until the server stops. */
  readonly background: (work: Promise<void>) => void
}

/** Who calls, and what they may do (IAM's words). Nobody is asked for credentials: everything. */
export interface Caller {
  /** Throws ClientError AccessDeniedException unless the action, such as `firehose:PutRecord`, is allowed on this ARN. */
  authorize(action: string, resource: string): void
  /** The same for what a stream may be made to use: the ARN of a bucket, of a data stream, of a role that is assumed, of a function, of a table of Glue. */
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

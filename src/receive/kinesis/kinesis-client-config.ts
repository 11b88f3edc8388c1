/** How the SDK's client of Kinesis is set up: address, credentials, connections, and what of its log is kept. */
import type { KinesisClientConfig } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Log } from '../../account/log.ts'

export interface KinesisSettings {
  /** Absent: AWS. */
  readonly endpoint?: string | undefined
  /** Absent: the one in the ARN of each data stream. */
  readonly region?: string | undefined
  /** Both keys, or neither: the SDK's own chain (environment, profile, role). */
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: string | undefined
  readonly sessionToken?: string | undefined
  readonly timeouts?: KinesisTimeouts
  /** Of one answer of ListShards. Default and maximum: 1,000. */
  readonly shardsPerPage?: number
  readonly log: Log
}

export interface KinesisTimeouts {
  readonly connectionMs: number
  /** From the start of a call to the end of its answer. */
  readonly callMs: number
  /** The same of GetRecords, whose answers have up to 10 MiB. */
  readonly readMs: number
}

export const defaultTimeouts: KinesisTimeouts = { connectionMs: 5_000, callMs: 15_000, readMs: 30_000 }
/** Calls at a time; more would wait for a connection. */
const SOCKETS_MAX = 256
/** Sooner than a load balancer closes an idle connection, just as it is used again. */
const IDLE_MS = 20_000

/** `arn:aws:kinesis:<region>:<account>:stream/<name>` */
export function regionOf(arn: string): string {
  return arn.split(':')[3] || 'us-east-1'
}

export function clientConfig(settings: KinesisSettings, region: string): KinesisClientConfig {
  const { endpoint, accessKeyId, secretAccessKey, sessionToken, timeouts = defaultTimeouts } = settings
  const logger = quiet(settings.log)
  const agent = { maxSockets: SOCKETS_MAX, timeout: IDLE_MS }
  return {
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : {
          credentials: {
            accessKeyId,
            secretAccessKey,
            ...(sessionToken === undefined ? {} : { sessionToken }),
          },
        }),
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: timeouts.connectionMs,
      httpAgent: agent,
      httpsAgent: agent,
      logger,
    }),
    logger,
  }
}

/** Its debug and info lines hold requests and answers. */
function quiet(log: Log): NonNullable<KinesisClientConfig['logger']> {
  return {
    trace() {},
    debug() {},
    info() {},
    warn: (text: unknown) => log.debug({ sdk: String(text) }, 'Kinesis client warned'),
    error: (text: unknown) => log.debug({ sdk: String(text) }, 'Kinesis client failed'),
  }
}

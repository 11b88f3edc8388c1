/**
 * Sessions under the roles of delivery streams (`aws.assumeRoles`): STS is asked once for each role, and whoever needs the
 * role meanwhile waits for the same answer. It is asked again before the session ends, and nobody waits for that while the
 * session is good. A role that cannot be assumed is a failure to retry, before anything is put: it is granted, or corrected,
 * and no record is to blame.
 *
 * The account id goes along as external id, as the trust policies of Firehose's roles ask
 * (docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CreateFirehoseStream.html, `sts:ExternalId`).
 */
import { hostname } from 'node:os'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import type { Log } from '../account/log.ts'
import { sdkLogger } from '../account/sdk-log.ts'
import type { Clock } from '../domain/ports.ts'
import { systemClock } from '../runtime/clock.ts'
import { ownCredentials, type Credentials, type OwnKeys } from '../runtime/sdk-keys.ts'
import { assumeRoleError } from './role-errors.ts'

/** The keys are those that assume the roles. */
export interface RoleSessionsOptions extends OwnKeys {
  /** Absent: that of STS in the region. */
  readonly endpoint?: string | undefined
  readonly region: string
  /** Sent as external id. */
  readonly accountId: string
  readonly log: Log
  readonly clock?: Pick<Clock, 'now' | 'monotonicMs'>
}

/** Every role has an hour (the most that a role assumed by a role may have). */
const SESSION_SECONDS = 3_600
/** A session is renewed so long before its end, a short one at half of its time; a failure to renew it does not matter yet. */
const RENEW_BEFORE_MS = 10 * 60_000
/** A session serves until so long before its end, a short one for three quarters of its time: puts take time too. */
const ENDING_MS = 2 * 60_000
/** After a renewal that failed. */
const RENEW_AGAIN_MS = 30_000
/** The least that a session is taken to last, whatever the clocks of STS and this machine say. */
const LASTS_MIN_MS = 60_000
/** Roles remembered at a time. */
const ROLES_MAX = 1_000
/** STS answers within a second. Who waits for it holds a place that deliveries without a role could have. */
const CONNECTION_MS = 3_000
const REQUEST_MS = 5_000
const TRIES = 2

interface Session {
  readonly credentials: Credentials
  /** Monotonic: not used from then on. */
  readonly endingAtMs: number
  /** Monotonic: renewed at the next use after it. */
  renewAtMs: number
}

export class RoleSessions {
  readonly #options: RoleSessionsOptions
  readonly #client: STSClient
  readonly #clock: Pick<Clock, 'now' | 'monotonicMs'>
  readonly #sessions = new Map<string, Session>()
  readonly #asking = new Map<string, Promise<Session>>()

  constructor(options: RoleSessionsOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#client = new STSClient({
      region: options.region,
      ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
      ...ownCredentials(options),
      maxAttempts: TRIES,
      requestHandler: {
        connectionTimeout: CONNECTION_MS,
        requestTimeout: REQUEST_MS,
        throwOnRequestTimeout: true,
      },
      logger: sdkLogger(options.log, 'STS'),
    })
  }

  /** Credentials of a session that has time left. Fails with a DestinationError. */
  async credentials(roleArn: string): Promise<Credentials> {
    const known = this.#sessions.get(roleArn)
    const now = this.#clock.monotonicMs()
    if (known === undefined || now >= known.endingAtMs) return (await this.#ask(roleArn)).credentials
    if (now >= known.renewAtMs) void this.#renew(roleArn, known)
    return known.credentials
  }

  /** A session that was refused is not offered again. */
  forget(roleArn: string): void {
    this.#sessions.delete(roleArn)
  }

  close(): void {
    this.#client.destroy()
  }

  async #renew(roleArn: string, known: Session): Promise<void> {
    known.renewAtMs = Infinity
    try {
      await this.#ask(roleArn)
    } catch (err) {
      known.renewAtMs = this.#clock.monotonicMs() + RENEW_AGAIN_MS
      this.#options.log.warn({ roleArn, err }, 'session of a role was not renewed')
    }
  }

  #ask(roleArn: string): Promise<Session> {
    const asked = this.#asking.get(roleArn)
    if (asked !== undefined) return asked
    const asking = this.#assume(roleArn).finally(() => this.#asking.delete(roleArn))
    this.#asking.set(roleArn, asking)
    return asking
  }

  async #assume(roleArn: string): Promise<Session> {
    try {
      const askedAtMs = this.#clock.monotonicMs()
      const command = new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: sessionName(),
        ExternalId: this.#options.accountId,
        DurationSeconds: SESSION_SECONDS,
      })
      const { Credentials: given } = await this.#client.send(command)
      if (given?.AccessKeyId === undefined || given.SecretAccessKey === undefined)
        throw new Error('the answer holds no credentials')
      const lastsMs = this.#lastsMs(given.Expiration)
      const session: Session = {
        credentials: {
          accessKeyId: given.AccessKeyId,
          secretAccessKey: given.SecretAccessKey,
          ...(given.SessionToken === undefined ? {} : { sessionToken: given.SessionToken }),
        },
        endingAtMs: askedAtMs + Math.max(lastsMs - ENDING_MS, (lastsMs * 3) / 4),
        renewAtMs: askedAtMs + Math.max(lastsMs - RENEW_BEFORE_MS, lastsMs / 2),
      }
      this.#remember(roleArn, session)
      return session
    } catch (cause) {
      const { accountId, endpoint } = this.#options
      throw assumeRoleError(cause, { roleArn, accountId, endpoint })
    }
  }

  /** The end is given by the clock of STS: a clock of ours that is wrong must neither end a session at once nor keep it for ever. */
  #lastsMs(endsAt: Date | undefined): number {
    const mostMs = SESSION_SECONDS * 1_000
    const saidMs = endsAt === undefined ? mostMs : endsAt.getTime() - this.#clock.now()
    return Math.min(Math.max(saidMs, LASTS_MIN_MS), mostMs)
  }

  #remember(roleArn: string, session: Session): void {
    this.#sessions.delete(roleArn)
    this.#sessions.set(roleArn, session)
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size > ROLES_MAX && oldest !== undefined) this.#sessions.delete(oldest)
  }
}

/** Seen in the role's account (CloudTrail): which machine puts objects under it. */
function sessionName(): string {
  return `hydrant-${hostname().replaceAll(/[^\w+=,.@-]/g, '-')}`.slice(0, 64)
}

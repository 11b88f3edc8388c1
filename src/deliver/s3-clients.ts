/** The clients of an object store: one for the process's own credentials, and one for each role that puts are made under. */
import { once } from 'node:events'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { Log } from '../account/log.ts'
import { sdkLogger } from '../account/sdk-log.ts'
import { MIB } from '../domain/limits.ts'
import { ownCredentials, type Credentials, type OwnKeys } from '../runtime/sdk-keys.ts'
import type { RoleSessions } from './role-sessions.ts'

export interface S3ClientOptions extends OwnKeys {
  /** Absent: AWS. */
  readonly endpoint?: string | undefined
  /** Absent: the SDK's own chain on AWS, `us-east-1` at an endpoint. */
  readonly region?: string | undefined
  /** Default: true at an endpoint, false on AWS. */
  readonly forcePathStyle?: boolean | undefined
  /** Absent: roles are not assumed, and every request is made with the process's own credentials. */
  readonly roles?: RoleSessions | undefined
  readonly log: Log
}

/** AWS answers `Expect: 100-continue`, which saves sending a body in vain; other stores may leave us waiting. */
const EXPECT_CONTINUE_BYTES = 2 * MIB
/** Clients of roles that are kept; the one that was not used for the longest time is forgotten first. */
const ROLES_MAX = 64

export class S3Clients {
  readonly #own: S3Client
  readonly #config: S3ClientConfig
  readonly #roles: RoleSessions | undefined
  readonly #ofRoles = new Map<string, S3Client>()

  constructor(options: S3ClientOptions, connectionMs: number) {
    this.#config = clientConfig(options, connectionMs)
    this.#own = new S3Client({ ...this.#config, ...ownCredentials(options) })
    this.#roles = options.roles
  }

  /** Roles are assumed; otherwise they say nothing about a request. */
  get assumeRoles(): boolean {
    return this.#roles !== undefined
  }

  /** Fails with a DestinationError when the role cannot be assumed, and with the signal's reason. */
  async under(roleArn: string | undefined, signal: AbortSignal): Promise<S3Client> {
    const roles = this.#roles
    if (roles === undefined || roleArn === undefined) return this.#own
    await unlessAborted(roles.credentials(roleArn), signal)
    const client = this.#ofRoles.get(roleArn) ?? this.#make(() => roles.credentials(roleArn))
    this.#ofRoles.delete(roleArn)
    this.#ofRoles.set(roleArn, client)
    const [oldest] = this.#ofRoles.keys()
    if (this.#ofRoles.size > ROLES_MAX && oldest !== undefined) this.#ofRoles.delete(oldest)
    return client
  }

  /** The session was refused: another is asked for next time. */
  forget(roleArn: string | undefined): void {
    if (roleArn !== undefined) this.#roles?.forget(roleArn)
  }

  close(): void {
    this.#own.destroy()
    this.#roles?.close()
  }

  /** All clients share the connections of the first, so that one may be forgotten while its puts are under way. */
  #make(provider: () => Promise<Credentials>): S3Client {
    // The sessions are kept in one place: the SDK is told that nothing is left to remember.
    const credentials = Object.assign(provider, { memoized: true })
    return new S3Client({ ...this.#config, credentials, requestHandler: this.#own.config.requestHandler })
  }
}

function clientConfig({ endpoint, log, ...options }: S3ClientOptions, connectionMs: number): S3ClientConfig {
  const region = options.region ?? (endpoint === undefined ? undefined : 'us-east-1')
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    // The checksum is ours, as a header: the SDK's would turn a file into a chunked upload with a trailer.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: endpoint === undefined ? EXPECT_CONTINUE_BYTES : false,
    maxAttempts: 1,
    requestHandler: { connectionTimeout: connectionMs, throwOnRequestTimeout: true },
    logger: sdkLogger(log, 'object store'),
  }
}

/** STS may take longer than is left: it is asked on for the others who wait. */
async function unlessAborted(awaited: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const ended = new AbortController()
  try {
    await Promise.race([awaited, once(AbortSignal.any([signal, ended.signal]), 'abort')])
    signal.throwIfAborted()
  } finally {
    ended.abort()
  }
}

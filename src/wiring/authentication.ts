/** Who may call: the credentials of the configuration and of its credentials file, kept fresh. */
import type { Log } from '../account/log.ts'
import { readCredentialsFile } from '../config/credentials-file.ts'
import type { Config } from '../config/schema.ts'
import { tableArn, type Account } from '../receive/arns.ts'
import {
  authenticateNobody,
  createAuthenticate,
  type Authenticate,
} from '../receive/http/auth/authenticate.ts'
import { createKeyring, type Credential } from '../receive/http/auth/keyring.ts'
import type { Clock } from '../runtime/clock.ts'
import { keepFresh } from '../runtime/fresh-files.ts'
import type { OnStop } from './parts.ts'

/** How long a replaced file may go unseen. */
const LOOK_EVERY_MS = 2_000

type Signing = Extract<Config['auth'], { readonly mode: 'sigv4' }>

export interface Authentication {
  readonly authenticate: Authenticate
  /** Takes credentials and declared streams of a configuration read again, with the credentials file that it names. */
  reload(config: Config): void
}

export interface AuthenticationOptions {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly onStop: OnStop
}

/** @throws StartError for a credentials file that cannot be used */
export async function openAuthentication(options: AuthenticationOptions): Promise<Authentication> {
  const { config, clock, log, onStop } = options
  if (config.auth?.mode !== 'sigv4') return { authenticate: authenticateNobody, reload: () => undefined }
  let wanted = config
  let signing: Signing = config.auth
  let declared: ReadonlySet<string> = new Set()
  let count = 0
  const keyring = createKeyring(config.aws, () => declared)
  const files = keepFresh({
    paths: () => (signing.credentialsFile === undefined ? [] : [signing.credentialsFile]),
    async load() {
      const { deliveryStreams } = wanted
      const credentials = await credentialsOf(signing)
      keyring.replace(credentials)
      count = credentials.length
      declared = arnsIn(deliveryStreams, wanted.aws)
    },
    everyMs: LOOK_EVERY_MS,
    clock,
    onLoaded: () => log.info({ credentials: count }, 'credentials were replaced'),
    onError: (err) => log.error({ err }, 'credentials could not be replaced; those before stay good'),
  })
  await files.start()
  onStop(() => files.stop())
  return {
    authenticate: createAuthenticate({
      keyring,
      region: config.aws.region,
      service: 'firehose',
      now: () => clock.now(),
      allowUnsignedPayload: config.auth.allowUnsignedPayload,
    }),
    reload(next) {
      if (next.auth?.mode !== 'sigv4') return
      wanted = next
      signing = next.auth
      files.again()
    },
  }
}

async function credentialsOf({ credentials, credentialsFile }: Signing): Promise<readonly Credential[]> {
  if (credentialsFile === undefined) return credentials
  const taken = new Set(credentials.map(({ accessKeyId }) => accessKeyId))
  return [...credentials, ...(await readCredentialsFile(credentialsFile, taken))]
}

/** Every ARN that the declarations hold: buckets, data streams, roles, functions; and those of the tables that they name. */
function arnsIn(value: unknown, account: Account, found: Set<string> = new Set()): Set<string> {
  if (typeof value === 'string' && value.startsWith('arn:')) found.add(value)
  else if (typeof value === 'object' && value !== null) {
    const table = tableIn(value, account)
    if (table !== undefined) found.add(table)
    for (const inner of Object.values(value)) arnsIn(inner, account, found)
  }
  return found
}

/** Of a SchemaConfiguration. */
function tableIn(value: object, account: Account): string | undefined {
  const { DatabaseName, TableName, Region, CatalogId } = value as Readonly<Record<string, unknown>>
  if (typeof DatabaseName !== 'string' || typeof TableName !== 'string') return undefined
  return tableArn(
    {
      databaseName: DatabaseName,
      tableName: TableName,
      region: typeof Region === 'string' ? Region : account.region,
      ...(typeof CatalogId === 'string' ? { catalogId: CatalogId } : {}),
    },
    account,
  )
}

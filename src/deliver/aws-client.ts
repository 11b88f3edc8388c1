/** What every client of the AWS SDK is given here: keys, and a log that keeps requests to itself. */
import type { Log } from '../account/log.ts'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Both keys, or neither: the SDK's own chain (environment, profile, role). */
export interface OwnKeys {
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: string | undefined
  /** Of keys that are themselves a session's. */
  readonly sessionToken?: string | undefined
}

/** Of the process itself. Nothing: the SDK looks for others. */
export function ownCredentials({ accessKeyId, secretAccessKey, sessionToken }: OwnKeys): {
  readonly credentials?: Credentials
} {
  if (accessKeyId === undefined || secretAccessKey === undefined) return {}
  const token = sessionToken === undefined ? {} : { sessionToken }
  return { credentials: { accessKeyId, secretAccessKey, ...token } }
}

/** Its debug and info lines hold requests. @param client names it in our log */
export function sdkLogger(log: Log, client: string) {
  return {
    trace() {},
    debug() {},
    info() {},
    warn: (said: unknown) => log.debug({ client, sdk: wordsOf(said) }, 'client of the SDK warned'),
    error: (said: unknown) => log.debug({ client, sdk: wordsOf(said) }, 'client of the SDK failed'),
  }
}

/** Of a failed command the SDK tells the whole input; only its error is for a log. */
function wordsOf(said: unknown): string {
  const error: unknown = typeof said === 'object' && said !== null ? Reflect.get(said, 'error') : said
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

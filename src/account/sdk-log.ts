/** What a client of the AWS SDK says, as far as a log may hold it. */
import type { Log } from './log.ts'

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

/** A log that tells when a conversion had to be repeated: its rows are right then, but something was wrong before. */
import { expect } from 'vitest'
import { createLog, type Log } from '../../../src/account/log.ts'

export interface RepeatsLog {
  readonly log: Log
  /** Fails where a conversion was repeated since the last call. */
  readonly expectNone: () => void
}

export function repeatsLog(): RepeatsLog {
  const log = createLog('silent')
  const reasons: string[] = []
  log.warn = (fields: { readonly err?: unknown }, message?: unknown) => {
    if (message === 'conversion is repeated carefully') reasons.push(String(fields.err))
  }
  return { log, expectNone: () => expect(reasons.splice(0)).toEqual([]) }
}

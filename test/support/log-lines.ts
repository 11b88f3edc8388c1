/** A log that keeps what it is told instead of writing it. */
import { createLog, type Log } from '../../src/account/log.ts'

export interface LogLine {
  readonly level: 'error' | 'warn' | 'info'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Lines of the levels `error`, `warn` and `info`, in order. */
export function keepingLog(): { readonly log: Log; readonly lines: LogLine[] } {
  const lines: LogLine[] = []
  const log = createLog('silent')
  for (const level of ['error', 'warn', 'info'] as const)
    log[level] = (fields: unknown, message?: unknown) =>
      void lines.push({ level, message: String(message), fields: fields as Record<string, unknown> })
  return { log, lines }
}

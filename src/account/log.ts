/**
 * Logs: one JSON line per change of state of a batch, a lease or the process; never per record. Messages are constant and
 * in the past tense, variables are fields with units in their names. Records, secrets and signatures never reach a log.
 *
 * `error`: a human should look. `warn`: handled, but count it. `info`: state changed. `debug`: for a developer.
 */
import { pino, type Logger } from 'pino'

export type Log = Logger
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'silent'

/** Lines kept while they cannot be written; later ones are lost. */
const HELD_BYTES_MAX = 1024 * 1024

/** Writes to standard error, so that standard output stays the command's own. */
export function createLog(level: LogLevel): Log {
  const destination = pino.destination({ fd: 2, sync: true, maxLength: HELD_BYTES_MAX })
  // A log on a full disk must not end the process: records are still taken and delivered, and there is nowhere to say so.
  destination.on('error', () => undefined)
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError },
    },
    destination,
  )
}

/** Name, message, kind, hint, code, stack and causes of an error; nothing else of it, so that no request or record slips in. */
function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: String(error) }
  const fields: Record<string, unknown> = { name: error.name, message: error.message }
  for (const key of ['kind', 'code', 'hint', 'retryable'] as const) {
    const value: unknown = Reflect.get(error, key)
    if (value !== undefined) fields[key] = value
  }
  fields['stack'] = error.stack
  if (error.cause !== undefined && depth < 4) fields['cause'] = serializeError(error.cause, depth + 1)
  return fields
}

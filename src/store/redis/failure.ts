/**
 * What Redis and its client say when a command fails, and what each means for us: one table, one function. Everything
 * here but a defect rejects as BufferUnavailableError: the producer gets 503, a delivery tries again.
 */
import { BufferUnavailableError, StartError } from '../../domain/errors.ts'

export type RedisFailure =
  | 'OOM'
  | 'NOREPLICAS'
  | 'READONLY'
  | 'LOADING'
  | 'MISCONF'
  | 'CLUSTERDOWN'
  | 'MASTERDOWN'
  | 'BUSY'
  | 'TRYAGAIN'
  | 'NOAUTH'
  | 'NOPERM'
  | 'CONNECTION'
  | 'TIMEOUT'
  /** Not an answer that a healthy Redis gives: a mistake of ours. */
  | 'DEFECT'

/** What happened, and what the operator can do next. */
const meanings: Record<Exclude<RedisFailure, 'DEFECT'>, { readonly what: string; readonly hint: string }> = {
  OOM: {
    what: 'redis is at its memory limit',
    hint: 'raise maxmemory or lower buffer.maxBytes; see what else fills this Redis with MEMORY STATS',
  },
  NOREPLICAS: {
    what: 'redis has too few replicas in step and takes no writes',
    hint: 'bring the replicas back, or lower min-replicas-to-write',
  },
  READONLY: {
    what: 'this redis is a replica and takes no writes',
    hint: 'point buffer.url at the primary; after a fail-over this passes by itself',
  },
  LOADING: {
    what: 'redis is still loading its data',
    hint: 'wait; a large append-only file takes minutes',
  },
  MISCONF: {
    what: 'redis cannot write to its disk and takes no writes',
    hint: 'free the disk of Redis, then look at aof_last_write_status and rdb_last_bgsave_status in INFO persistence',
  },
  CLUSTERDOWN: { what: 'the redis cluster is down', hint: 'look at CLUSTER INFO' },
  MASTERDOWN: {
    what: 'this redis is a replica without its primary',
    hint: 'point buffer.url at the primary, or bring it back',
  },
  BUSY: {
    what: 'redis is busy with a script',
    hint: 'SCRIPT KILL ends a script that hangs; look for its owner',
  },
  TRYAGAIN: { what: 'redis asks to try again', hint: 'wait until the slots have moved' },
  NOAUTH: {
    what: 'redis wants a password, or another one',
    hint: 'put the user and the password into buffer.url: redis://user:password@host:port',
  },
  NOPERM: {
    what: 'the redis user may not run this command',
    hint: 'allow the user of buffer.url @read, @write and @scripting on keys under buffer.keyPrefix, and INFO and TIME',
  },
  CONNECTION: {
    what: 'the connection to redis is down',
    hint: 'see that Redis runs and that buffer.url leads to it; Hydrant reconnects by itself',
  },
  TIMEOUT: {
    what: 'redis did not answer in time',
    hint: 'see INFO commandstats, SLOWLOG and the disk of Redis (aof_delayed_fsync in INFO persistence)',
  },
}

/** Words that Redis begins an error with. */
const codes: Readonly<Record<string, RedisFailure>> = {
  OOM: 'OOM',
  NOREPLICAS: 'NOREPLICAS',
  READONLY: 'READONLY',
  LOADING: 'LOADING',
  MISCONF: 'MISCONF',
  CLUSTERDOWN: 'CLUSTERDOWN',
  MASTERDOWN: 'MASTERDOWN',
  BUSY: 'BUSY',
  UNKILLABLE: 'BUSY',
  TRYAGAIN: 'TRYAGAIN',
  NOAUTH: 'NOAUTH',
  WRONGPASS: 'NOAUTH',
  NOPERM: 'NOPERM',
  ECONNREFUSED: 'CONNECTION',
  ECONNRESET: 'CONNECTION',
  ECONNABORTED: 'CONNECTION',
  EPIPE: 'CONNECTION',
  ENOTFOUND: 'CONNECTION',
  EAI_AGAIN: 'CONNECTION',
  ENOENT: 'CONNECTION',
  EACCES: 'CONNECTION',
  EHOSTUNREACH: 'CONNECTION',
  EHOSTDOWN: 'CONNECTION',
  ENETUNREACH: 'CONNECTION',
  ENETDOWN: 'CONNECTION',
  ETIMEDOUT: 'CONNECTION',
}

/** Sentences of ioredis that carry no code. */
const sentences: readonly (readonly [RegExp, RedisFailure])[] = [
  [/^Connection is closed/, 'CONNECTION'],
  [/^Stream isn't writeable/, 'CONNECTION'],
  [/^Command aborted due to connection close/, 'CONNECTION'],
  [/^Reached the max retries per request limit/, 'CONNECTION'],
  [/^Socket timeout/, 'CONNECTION'],
  [/^Socket closed unexpectedly/, 'CONNECTION'],
  [/^connect ETIMEDOUT/, 'CONNECTION'],
  [/^Command timed out/, 'TIMEOUT'],
  [/-OOM /, 'OOM'],
]

export function classify(error: unknown): RedisFailure {
  if (!(error instanceof Error)) return 'DEFECT'
  const code: unknown = Reflect.get(error, 'code')
  const word = /^[A-Z]+/.exec(error.message)?.[0]
  for (const candidate of [word, code]) {
    if (typeof candidate === 'string' && Object.hasOwn(codes, candidate)) return codes[candidate] ?? 'DEFECT'
  }
  return sentences.find(([pattern]) => pattern.test(error.message))?.[1] ?? 'DEFECT'
}

/** The error to reject with. @param doing `append to orders`: what was being done, as it opens the message */
export function translate(error: unknown, doing: string): Error {
  const failure = classify(error)
  if (failure === 'DEFECT')
    return new Error(`${doing}: ${messageOf(error)}`, { cause: withoutArguments(error) })
  return unavailable(failure, doing, error)
}

/** @param cause what the client reported, if anything */
export function unavailable(failure: Exclude<RedisFailure, 'DEFECT'>, doing: string, cause?: unknown): Error {
  const { what, hint } = meanings[failure]
  return new BufferUnavailableError(`${doing}: ${what}`, { cause: withoutArguments(cause), hint })
}

export function startError(error: unknown, doing: string): StartError {
  const failure = classify(error)
  const cause = withoutArguments(error)
  if (failure === 'DEFECT') return new StartError(`${doing}: ${messageOf(error)}`, { cause })
  const { what, hint } = meanings[failure]
  return new StartError(`${doing}: ${what} (${messageOf(error)})`, { cause, hint })
}

/** ioredis hangs the command and its arguments, so the records, on an error: they must reach no log and stay in no memory. */
function withoutArguments(error: unknown): unknown {
  if (error instanceof Error) Reflect.deleteProperty(error, 'command')
  return error
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

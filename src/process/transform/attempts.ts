/**
 * One call with all its tries. As on AWS, a call that is not answered is made again, `retries` times; then each of its
 * records fails with the reason of the last try. What was answered is final, whatever it says.
 */
import { randomUUID } from 'node:crypto'
import type { Log } from '../../account/log.ts'
import type { Metrics } from '../../account/metrics.ts'
import type { Clock } from '../../domain/ports.ts'
import { backoffMs } from '../../runtime/backoff.ts'
import { readAnswers } from './answers.ts'
import type { Breaches } from './breaches.ts'
import type { Call } from './calls.ts'
import { CallFailure, failed, type CallResult, type RecordAnswer } from './codes.ts'

/** Sends one event. Resolves with why there is no answer, too; rejects when `signal` aborts. */
export type Invoke = (event: Uint8Array, signal: AbortSignal) => Promise<CallResult>

/** Firehose waits so long for a function (docs.aws.amazon.com/firehose/latest/dev/limits.html: 5 minutes). */
export const CALL_MAX_MS = 5 * 60_000
const BACKOFF = { firstMs: 1_000, capMs: 30_000 } as const

export interface AttemptsOptions {
  /** For hints: a function, or the address of a URL. */
  readonly target: string
  readonly invoke: Invoke
  readonly retries: number
  readonly deliveryStream: string
  readonly batchId: string
  readonly breaches: Breaches
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Log
}

export interface Answered {
  /** Of the records that were sent, in order. */
  readonly answers: readonly RecordAnswer[]
  readonly attemptsMade: number
}

export async function attempt(call: Call, options: AttemptsOptions, signal: AbortSignal): Promise<Answered> {
  const { retries, clock, deliveryStream, batchId, target, breaches, log } = options
  const fields = { deliveryStream, batchId, records: call.recordIds.length, bytes: call.bytes, target }
  for (let attemptsMade = 1; ; attemptsMade += 1) {
    const result = await measured(call, options, signal)
    if (!(result instanceof CallFailure)) {
      const answers = readAnswers(result, call.recordIds)
      breaches.see(answers, { bytes: call.bytes, attempt: attemptsMade })
      return { answers, attemptsMade }
    }
    const told = { ...fields, attempt: attemptsMade, code: result.code, err: result }
    if (attemptsMade > retries) {
      log.warn(told, 'transform call failed')
      return { answers: call.recordIds.map(() => failed(result.code)), attemptsMade }
    }
    const retryInMs = backoffMs(BACKOFF, attemptsMade, Math.random())
    log.warn({ ...told, retryInMs }, 'transform call will be retried')
    await clock.sleep(retryInMs, signal)
    signal.throwIfAborted()
  }
}

async function measured(call: Call, options: AttemptsOptions, signal: AbortSignal): Promise<CallResult> {
  const { clock, metrics, deliveryStream } = options
  const startedAtMs = clock.monotonicMs()
  const result = await inTime(call.event(randomUUID()), options, signal)
  metrics.observe('hydrant_transform_call_seconds', {}, (clock.monotonicMs() - startedAtMs) / 1_000)
  const labels = {
    delivery_stream: deliveryStream,
    result: result instanceof CallFailure ? result.code : 'ok',
  }
  metrics.count('hydrant_transform_calls_total', labels)
  return result
}

/** One try, given up when it takes too long. */
async function inTime(
  event: Uint8Array,
  { invoke, clock, target }: AttemptsOptions,
  signal: AbortSignal,
): Promise<CallResult> {
  signal.throwIfAborted()
  const givenUp = new AbortController()
  const ended = new AbortController()
  const stop = (): void => givenUp.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  let isLate = false
  void clock.sleep(CALL_MAX_MS, ended.signal).then(() => {
    isLate = !ended.signal.aborted
    if (isLate) givenUp.abort(new Error('the call took too long'))
  })
  try {
    return await invoke(event, givenUp.signal)
  } catch (cause) {
    signal.throwIfAborted()
    if (!isLate) throw cause
    return new CallFailure(`call ${target}: it did not answer within ${CALL_MAX_MS / 60_000} minutes`, {
      cause,
      code: 'Lambda.FunctionRequestTimedOut',
      hint: 'make the transform quicker, or send it less at a time (BufferSizeInMBs)',
    })
  } finally {
    ended.abort()
    signal.removeEventListener('abort', stop)
  }
}

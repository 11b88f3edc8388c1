/**
 * When a data stream was created, asked once for all who want to know at the same time.
 *
 * It tells a data stream that was deleted and made again from the one before. The answer of a call that was under way
 * already is no answer: it may have been given before the data stream was replaced. So whoever asks waits for a call
 * that began later, and shares that one with all who asked meanwhile.
 */
import type { DataStream } from './data-stream.ts'
import { creationOf } from './lineage.ts'

export interface Creation {
  /** Epoch ms. Rejects with DataStreamError, `gone` when there is no such data stream. */
  createdAt(signal: AbortSignal): Promise<number>
  /** Whether the data stream still is the one that this key of a shard names. */
  isSame(key: string, signal: AbortSignal): Promise<boolean>
}

/** @param closing aborts the calls when nobody needs this data stream any more */
export function shareCreation(dataStream: Pick<DataStream, 'createdAt'>, closing: AbortSignal): Creation {
  let current: Promise<number> | undefined
  let next: Promise<number> | undefined

  function begin(): Promise<number> {
    next = undefined
    const call = dataStream.createdAt(closing).finally(() => {
      if (current === call) current = undefined
    })
    current = call
    return call
  }

  function ask(): Promise<number> {
    if (current === undefined) return begin()
    next ??= current.then(begin, begin)
    return next
  }

  const createdAt = (signal: AbortSignal): Promise<number> => unlessAborted(ask(), signal)
  return {
    createdAt,
    isSame: async (key, signal) => (await createdAt(signal)) === creationOf(key),
  }
}

/** Rejects with the signal's reason once it aborts; what was asked for goes on for the others. */
function unlessAborted<T>(asked: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      const reason: unknown = signal.reason
      reject(reason instanceof Error ? reason : new Error(String(reason)))
    }
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    const settled = (): void => signal.removeEventListener('abort', abort)
    asked.then(resolve, reject).finally(settled)
  })
}

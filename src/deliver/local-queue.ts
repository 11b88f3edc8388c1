/** The queue of a process that has its store to itself. Jobs are not kept: the sweep finds them again in the buffer. */
import type { Log } from '../account/log.ts'
import type { BatchRef } from '../domain/batch.ts'
import type { Clock } from '../domain/ports.ts'
import { jobId, type Deliver, type DeliveryQueue } from './queue.ts'

export function createLocalQueue(options: {
  readonly concurrency: number
  readonly clock: Clock
  readonly log: Log
}): DeliveryQueue {
  const { concurrency, clock, log } = options
  const known = new Set<string>()
  const waiting: BatchRef[] = []
  const running = new Set<Promise<void>>()
  const stopping = new AbortController()
  const aborting = new AbortController()
  let deliver: Deliver | undefined

  const runJob = async (run: Deliver, batch: BatchRef): Promise<void> => {
    try {
      const result = await run(batch, aborting.signal)
      if (result.kind === 'retry') {
        void clock.sleep(result.afterMs, stopping.signal).then(() => {
          waiting.push(batch)
          pump()
        })
        return
      }
    } catch (err) {
      log.error(
        { err, deliveryStream: batch.stream.name, batchId: batch.batchId },
        'delivery failed by a defect',
      )
    }
    known.delete(jobId(batch))
  }

  const pump = (): void => {
    while (deliver !== undefined && !stopping.signal.aborted && running.size < concurrency) {
      const batch = waiting.shift()
      if (batch === undefined) return
      const job = runJob(deliver, batch).finally(() => {
        running.delete(job)
        pump()
      })
      running.add(job)
    }
  }

  return {
    add(batch) {
      const id = jobId(batch)
      if (!known.has(id)) {
        known.add(id)
        waiting.push(batch)
        pump()
      }
      return Promise.resolve()
    },
    start(run) {
      deliver = run
      pump()
      return Promise.resolve()
    },
    async stop(limitMs) {
      stopping.abort()
      const limit = new AbortController()
      await Promise.race([Promise.allSettled(running), clock.sleep(limitMs, limit.signal)])
      limit.abort()
      aborting.abort()
      await Promise.allSettled(running)
    },
  }
}

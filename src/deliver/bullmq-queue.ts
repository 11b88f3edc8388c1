/**
 * The queue of many processes, on BullMQ.
 *
 * BullMQ only schedules. A job is a pointer, is removed when it ends, and may run twice (a stalled job is given to another
 * process while the first still works): delivery is idempotent. A job that is lost is added again by the sweep.
 */
import { Queue, Worker, type Job } from 'bullmq'
import { Redis } from 'ioredis'
import type { Log } from '../account/log.ts'
import type { BatchRef } from '../domain/batch.ts'
import { BufferUnavailableError } from '../domain/errors.ts'
import type { Clock } from '../domain/ports.ts'
import { jobId, type Deliver, type DeliveryQueue } from './queue.ts'

const QUEUE_NAME = 'deliveries'
/** A process that dies holds its jobs for this long at most, and the check adds half as much. */
const LOCK_MS = 10_000
const STALLED_CHECK_MS = 5_000
/** Time-out of adding a job; the sweep adds it again. */
const ADD_TIMEOUT_MS = 5_000

interface JobData {
  readonly name: string
  readonly incarnation: string
  readonly batchId: string
}

/** Ends a run so that BullMQ starts the job again after `afterMs`. */
class RetryLater extends Error {
  override readonly name = 'RetryLater'
  readonly afterMs: number
  constructor(afterMs: number) {
    super(`retry after ${afterMs} ms`)
    this.afterMs = afterMs
  }
}

export function createBullmqQueue(options: {
  readonly url: string
  readonly keyPrefix: string
  readonly concurrency: number
  readonly clock: Clock
  readonly log: Log
}): DeliveryQueue {
  const { url, concurrency, clock, log } = options
  const prefix = `{${options.keyPrefix}}`
  const connections: Redis[] = []
  const aborting = new AbortController()
  let worker: Worker<JobData> | undefined

  const connect = (): Redis => {
    const connection = new Redis(url, { maxRetriesPerRequest: null })
    connection.on('error', (err: Error) => log.debug({ err }, 'queue connection failed'))
    connections.push(connection)
    return connection
  }

  const queue = new Queue<JobData>(QUEUE_NAME, {
    connection: connect(),
    prefix,
    streams: { events: { maxLen: 100 } },
    defaultJobOptions: {
      removeOnComplete: true,
      removeOnFail: true,
      attempts: Number.MAX_SAFE_INTEGER,
      backoff: { type: 'delivery' },
      stackTraceLimit: 1,
    },
  })
  queue.on('error', (err) => log.warn({ err }, 'queue failed'))

  const run = async (deliver: Deliver, job: Job<JobData>, lost?: AbortSignal): Promise<void> => {
    const { name, incarnation, batchId } = job.data
    const signal = lost === undefined ? aborting.signal : AbortSignal.any([aborting.signal, lost])
    const result = await deliver({ stream: { name, incarnation }, batchId }, signal)
    if (result.kind === 'retry') throw new RetryLater(result.afterMs)
  }

  return {
    async add(batch) {
      const { name, incarnation } = batch.stream
      const data = { name, incarnation, batchId: batch.batchId }
      const limit = new AbortController()
      const added = queue.add('deliver', data, { jobId: jobId(batch) }).then(() => true)
      const inTime = await Promise.race([added, clock.sleep(ADD_TIMEOUT_MS, limit.signal).then(() => false)])
      limit.abort()
      if (inTime) return
      added.catch((err: unknown) => log.debug({ err }, 'late answer of the queue was an error'))
      throw new BufferUnavailableError(`add job ${jobId(batch)}: no answer in ${ADD_TIMEOUT_MS} ms`, {
        hint: 'the sweep adds it again once Redis answers',
      })
    },
    async start(deliver) {
      worker = new Worker<JobData>(QUEUE_NAME, (job, _token, signal) => run(deliver, job, signal), {
        connection: connect(),
        prefix,
        concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        drainDelay: 1,
        runRetryDelay: 1_000,
        settings: {
          backoffStrategy: (_made, _type, err) => (err instanceof RetryLater ? err.afterMs : 1_000),
        },
      })
      worker.on('error', (err) => log.warn({ err }, 'queue worker failed'))
      worker.on('failed', (job, err) => {
        if (!(err instanceof RetryLater))
          log.error({ err, batchId: job?.data.batchId }, 'delivery failed by a defect')
      })
      await worker.waitUntilReady()
    },
    async stop(limitMs) {
      const limit = new AbortController()
      const closed = worker?.close() ?? Promise.resolve()
      await Promise.race([closed, clock.sleep(limitMs, limit.signal)])
      limit.abort()
      aborting.abort()
      await closed
      await queue.close()
      for (const connection of connections) connection.disconnect()
    },
  }
}

/**
 * The queue of many processes, on BullMQ.
 *
 * BullMQ only schedules. A job is a pointer, is removed when it ends, and may run twice (a stalled job is given to another
 * process while the first still works): delivery is idempotent. A job that is lost is added again by the sweep. The lock of a
 * job is renewed until it ends, whether its place is lent or not.
 */
import { Queue, Worker, type Job } from 'bullmq'
import { Redis } from 'ioredis'
import type { Log } from '../account/log.ts'
import type { BatchRef } from '../domain/batch.ts'
import { BufferUnavailableError } from '../domain/errors.ts'
import type { Clock } from '../domain/ports.ts'
import { Places } from './places.ts'
import { jobId, type Deliver, type DeliveryQueue } from './queue.ts'

const QUEUE_NAME = 'deliveries'
/** A process that dies holds its jobs for this long at most, and the check adds half as much. */
const LOCK_MS = 10_000
const STALLED_CHECK_MS = 5_000
/** Time-out of adding a job; the sweep adds it again. */
const ADD_TIMEOUT_MS = 5_000
/** BullMQ waits without end for a Redis that is away; what it would still tell it, it finds out by itself. */
const CLOSE_TIMEOUT_MS = 3_000

const TROUBLE_EVERY_MS = 30_000

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

export interface BullmqQueueOptions {
  readonly url: string
  readonly keyPrefix: string
  readonly concurrency: number
  readonly clock: Clock
  readonly log: Log
}

export class BullmqQueue implements DeliveryQueue {
  readonly #options: BullmqQueueOptions
  /** A hash tag, so that BullMQ's keys share a slot. */
  readonly #prefix: string
  readonly #queue: Queue<JobData>
  readonly #connections: Redis[] = []
  readonly #aborting = new AbortController()
  readonly #running = new Set<Promise<unknown>>()
  readonly #places: Places
  #isStopping = false
  #worker: Worker<JobData> | undefined
  #silentUntilMs = -Infinity

  constructor(options: BullmqQueueOptions) {
    this.#options = options
    this.#prefix = `{${options.keyPrefix}}`
    this.#places = new Places(options.concurrency, () => this.#allow())
    this.#queue = new Queue<JobData>(QUEUE_NAME, {
      connection: this.#connect(),
      prefix: this.#prefix,
      streams: { events: { maxLen: 100 } },
      defaultJobOptions: {
        removeOnComplete: true,
        removeOnFail: true,
        attempts: Number.MAX_SAFE_INTEGER,
        backoff: { type: 'delivery' },
        stackTraceLimit: 1,
      },
    })
    this.#queue.on('error', (err) => this.#trouble(err))
  }

  async add(batch: BatchRef): Promise<void> {
    const { clock, log } = this.#options
    const { name, incarnation } = batch.stream
    const data = { name, incarnation, batchId: batch.batchId }
    const limit = new AbortController()
    const added = this.#queue.add('deliver', data, { jobId: jobId(batch) }).then(() => true)
    const inTime = await Promise.race([added, clock.sleep(ADD_TIMEOUT_MS, limit.signal).then(() => false)])
    limit.abort()
    if (inTime) return
    added.catch((err: unknown) => log.debug({ err }, 'late answer of the queue was an error'))
    throw new BufferUnavailableError(`add job ${jobId(batch)}: no answer in ${ADD_TIMEOUT_MS} ms`, {
      hint: 'the sweep adds it again once Redis answers',
    })
  }

  async start(deliver: Deliver): Promise<void> {
    const { concurrency, log } = this.#options
    const worker = new Worker<JobData>(QUEUE_NAME, (job, _token, lost) => this.#run(deliver, job, lost), {
      connection: this.#connect(),
      prefix: this.#prefix,
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
    this.#worker = worker
    worker.on('error', (err) => this.#trouble(err))
    // BullMQ only reports that another process may have the job by now; it would let this one go on with it.
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) worker.cancelJob(id)
    })
    worker.on('failed', (job, err) => {
      if (!(err instanceof RetryLater))
        log.error({ err, batchId: job?.data.batchId }, 'delivery failed by a defect')
    })
    await worker.waitUntilReady()
  }

  async stop(limitMs: number): Promise<void> {
    this.#isStopping = true
    const closed = this.#close()
    await this.#atMost(limitMs, this.#idle())
    this.#aborting.abort()
    await this.#idle()
    await this.#atMost(CLOSE_TIMEOUT_MS, closed)
    for (const connection of this.#connections) connection.disconnect()
  }

  /** BullMQ tells of every try while Redis is away; one line now and then will do. */
  #trouble(err: Error): void {
    const { clock, log } = this.#options
    const isTold = clock.monotonicMs() < this.#silentUntilMs
    if (!isTold) this.#silentUntilMs = clock.monotonicMs() + TROUBLE_EVERY_MS
    log[isTold ? 'debug' : 'warn']({ err }, 'queue has trouble with Redis and tries on')
  }

  /** Resolves when BullMQ has said good-bye to Redis, which it may never do. */
  async #close(): Promise<void> {
    try {
      await this.#worker?.close()
      await this.#queue.close()
    } catch (err) {
      this.#options.log.debug({ err }, 'queue was not closed in good order')
    }
  }

  async #idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  async #atMost(limitMs: number, work: Promise<void>): Promise<void> {
    const ended = new AbortController()
    await Promise.race([work, this.#options.clock.sleep(limitMs, ended.signal)])
    ended.abort()
  }

  /**
   * Lets BullMQ run as many jobs as there are places. With fewer than run it lets them go on and fetches none. More it only
   * finds out about when a job ends or comes; that may take as long as a dead transform, so it is woken, which resume() does.
   */
  #allow(): void {
    const worker = this.#worker
    if (worker === undefined || this.#isStopping) return
    const { allowed } = this.#places
    const isMore = allowed > worker.concurrency
    worker.concurrency = allowed
    if (!isMore) return
    // In one turn of the event loop: nobody sees it paused.
    Promise.all([worker.pause(true), worker.resume()]).catch((err: unknown) => this.#trouble(err as Error))
  }

  /** @param lost aborts when BullMQ may have given the job to another process */
  async #run(deliver: Deliver, job: Job<JobData>, lost: AbortSignal | undefined): Promise<void> {
    const { name, incarnation, batchId } = job.data
    const stop = this.#aborting.signal
    // Fetched while the process stops.
    if (stop.aborted) throw new RetryLater(0)
    const place = this.#places.take()
    // It came just when a lent place was taken again: for another process, or for later.
    if (place === undefined) throw new RetryLater(0)
    const signal = lost === undefined ? stop : AbortSignal.any([stop, lost])
    const delivery = deliver({ stream: { name, incarnation }, batchId }, signal, place.lend)
    this.#running.add(delivery)
    try {
      const result = await delivery
      if (result.kind === 'retry') throw new RetryLater(result.afterMs)
    } finally {
      this.#running.delete(delivery)
      place.leave()
    }
  }

  #connect(): Redis {
    const connection = new Redis(this.#options.url, { maxRetriesPerRequest: null })
    connection.on('error', (err: Error) => this.#options.log.debug({ err }, 'queue connection failed'))
    this.#connections.push(connection)
    return connection
  }
}

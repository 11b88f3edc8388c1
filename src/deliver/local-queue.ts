/** The queue of a process that has its store to itself. Jobs are not kept: the sweep finds them again in the buffer. */
import type { Log } from '../account/log.ts'
import type { BatchRef } from '../domain/batch.ts'
import type { Clock } from '../domain/ports.ts'
import { Places, type Place } from './places.ts'
import { jobId, type Deliver, type DeliveryQueue } from './queue.ts'

export interface LocalQueueOptions {
  readonly concurrency: number
  readonly clock: Clock
  readonly log: Log
}

export class LocalQueue implements DeliveryQueue {
  readonly #options: LocalQueueOptions
  /** Jobs that wait, run, or wait for their retry. */
  readonly #known = new Set<string>()
  readonly #waiting: BatchRef[] = []
  readonly #running = new Set<Promise<void>>()
  readonly #places: Places
  readonly #stopping = new AbortController()
  readonly #aborting = new AbortController()
  #deliver: Deliver | undefined

  constructor(options: LocalQueueOptions) {
    this.#options = options
    this.#places = new Places(options.concurrency, () => this.#pump())
  }

  add(batch: BatchRef): Promise<void> {
    const id = jobId(batch)
    if (!this.#known.has(id)) {
      this.#known.add(id)
      this.#waiting.push(batch)
      this.#pump()
    }
    return Promise.resolve()
  }

  start(deliver: Deliver): Promise<void> {
    this.#deliver = deliver
    this.#pump()
    return Promise.resolve()
  }

  async stop(limitMs: number): Promise<void> {
    this.#stopping.abort()
    const ended = new AbortController()
    const limit = this.#options.clock.sleep(limitMs, ended.signal)
    await Promise.race([Promise.allSettled(this.#running), limit])
    ended.abort()
    this.#aborting.abort()
    await Promise.allSettled(this.#running)
  }

  #pump(): void {
    const deliver = this.#deliver
    if (deliver === undefined) return
    while (!this.#stopping.signal.aborted) {
      const [batch] = this.#waiting
      if (batch === undefined) return
      const place = this.#places.take()
      if (place === undefined) return
      this.#waiting.shift()
      const job = this.#run(deliver, batch, place).finally(() => {
        this.#running.delete(job)
        place.leave()
      })
      this.#running.add(job)
    }
  }

  async #run(deliver: Deliver, batch: BatchRef, place: Place): Promise<void> {
    const { clock, log } = this.#options
    try {
      const result = await deliver(batch, this.#aborting.signal, place.lend)
      if (result.kind === 'retry') {
        void clock.sleep(result.afterMs, this.#stopping.signal).then(() => {
          this.#waiting.push(batch)
          this.#pump()
        })
        return
      }
    } catch (err) {
      log.error(
        { err, deliveryStream: batch.stream.name, batchId: batch.batchId },
        'delivery failed by a defect',
      )
    }
    this.#known.delete(jobId(batch))
  }
}

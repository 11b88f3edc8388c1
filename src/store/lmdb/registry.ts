/** Delivery streams by name in LMDB. */
import type { DeliveryStream, StreamRef } from '../../domain/delivery-stream.ts'
import type { Totals } from '../../domain/outcome.ts'
import type { Registry } from '../../domain/ports.ts'
import { readStream, replacing } from '../stored-stream.ts'
import type { LmdbDatabase } from './database.ts'
import { newStreamState, totalsOf, type StreamState } from './layout.ts'
import type { Purge } from './purge.ts'
import { shardsOf } from './shards.ts'
import type { StoreTime } from './time.ts'

/** Batches dropped by one transaction of a removal. */
const SLICE_BATCHES = 256

export class LmdbRegistry implements Registry {
  readonly #db: LmdbDatabase
  readonly #time: StoreTime
  readonly #purge: Purge

  constructor(db: LmdbDatabase, time: StoreTime, purge: Purge) {
    this.#db = db
    this.#time = time
    this.#purge = purge
  }

  async create(stream: DeliveryStream): Promise<'created' | 'exists'> {
    return this.#db.write(`create ${stream.name}`, () => {
      if (this.#db.streams.get(stream.name) !== undefined) return 'exists'
      void this.#db.streams.put(stream.name, stream)
      void this.#db.states.put(stream.incarnation, newStreamState(stream.name))
      return 'created'
    })
  }

  async get(name: string): Promise<DeliveryStream | undefined> {
    this.#db.assertOpen(`look up ${name}`)
    const stored = this.#db.streams.get(name)
    return stored === undefined ? undefined : readStream(stored)
  }

  async list(): Promise<readonly DeliveryStream[]> {
    this.#db.assertOpen('list streams')
    return Array.from(this.#db.streams.getRange({}), ({ value }) => readStream(value))
  }

  async replace(stream: DeliveryStream): Promise<'replaced' | 'conflict' | 'gone'> {
    return this.#db.write(`replace ${stream.name}`, () => {
      const known = this.#db.streams.get(stream.name)
      if (known?.incarnation !== stream.incarnation || known.status === 'DELETING') return 'gone'
      if (readStream(known).revision !== stream.revision) return 'conflict'
      void this.#db.streams.put(stream.name, replacing(stream))
      return 'replaced'
    })
  }

  async remove(stream: StreamRef): Promise<Totals | undefined> {
    const what = `remove ${stream.name}`
    const found = await this.#db.write(what, () => {
      const known = this.#db.streams.get(stream.name)
      if (known?.incarnation !== stream.incarnation) return false
      if (known.status !== 'DELETING')
        void this.#db.streams.put(stream.name, { ...known, status: 'DELETING' })
      return true
    })
    if (!found) return undefined
    for (;;) {
      const slice = await this.#db.write(what, () => this.#dropSlice(stream))
      this.#purge.start()
      if (slice !== 'more') return slice
    }
  }

  /** Drops some batches; the last slice removes the stream and answers its totals. Undefined when another call did. */
  #dropSlice(stream: StreamRef): 'more' | Totals | undefined {
    const { incarnation } = stream
    const state = this.#db.states.get(incarnation)
    if (state === undefined) return undefined
    const start = [incarnation, 0]
    const range = { start, end: [incarnation, Number.MAX_VALUE], limit: SLICE_BATCHES }
    const batches = [...this.#db.batches.getRange(range)]
    for (const { key, value } of batches) {
      if (value.state === 'quarantined') state.quarantinedBatches -= 1
      else state.sealedBatches -= 1
      this.#drop(stream, state, value)
      void this.#db.batches.remove(key)
    }
    if (batches.length === SLICE_BATCHES) {
      void this.#db.states.put(incarnation, state)
      return 'more'
    }
    if (state.open !== undefined) {
      this.#drop(stream, state, state.open)
      delete state.open
    }
    this.#forget(stream)
    return totalsOf(state, undefined, this.#time.now())
  }

  #drop(stream: StreamRef, state: StreamState, batch: NonNullable<StreamState['open']>): void {
    state.dropped += batch.records
    this.#purge.takeOut(stream, state, batch)
  }

  #forget(stream: StreamRef): void {
    const { incarnation } = stream
    const epochs = [...this.#db.epochs.getKeys({ start: [incarnation, ''], end: [incarnation, '\uffff'] })]
    for (const key of epochs) void this.#db.epochs.remove(key)
    for (const { key } of shardsOf(this.#db, incarnation)) void this.#db.shards.remove([incarnation, key])
    void this.#db.states.remove(incarnation)
    void this.#db.streams.remove(stream.name)
  }
}

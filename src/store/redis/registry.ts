/** Delivery streams by name: one hash of definitions, and beside each the stream's own hash that the buffer acts on. */
import { randomUUID } from 'node:crypto'
import type { DeliveryStream, StreamRef } from '../../domain/delivery-stream.ts'
import type { Totals } from '../../domain/outcome.ts'
import type { Registry } from '../../domain/ports.ts'
import { readStream, replacing, type StoredStream } from '../stored-stream.ts'
import type { Connection } from './connection.ts'
import { dueMember, type Keys } from './keys.ts'
import { readTotals } from './ledger.ts'
import { scripts } from './scripts.ts'

/** Batches, and shards, dropped in one step: unlinking is quick, but Redis serves nobody else meanwhile. */
const DROP_SLICE = 100

export class RedisRegistry implements Registry {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #now: () => number

  constructor(connection: Connection, keys: Keys, now: () => number) {
    this.#connection = connection
    this.#keys = keys
    this.#now = now
  }

  async create(stream: DeliveryStream): Promise<'created' | 'exists'> {
    const { status, version, hints } = stream
    const created = await this.#connection.script(
      `create stream ${stream.name}`,
      scripts.create,
      [this.#keys.registry, this.#keys.stream(stream).stream],
      [stream.name, JSON.stringify(stream), randomUUID(), status, version, hints.bytes, hints.intervalMs],
    )
    return created === 1 ? 'created' : 'exists'
  }

  async get(name: string): Promise<DeliveryStream | undefined> {
    const text = await this.#read(name)
    return text === null ? undefined : parse(text)
  }

  async list(): Promise<readonly DeliveryStream[]> {
    const texts = await this.#connection.call('list streams', (client) => client.hvals(this.#keys.registry))
    return texts.map(parse).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  async replace(stream: DeliveryStream): Promise<'replaced' | 'conflict' | 'gone'> {
    for (;;) {
      const read = await this.#read(stream.name)
      if (read === null) return 'gone'
      const stored = parse(read)
      if (stored.incarnation !== stream.incarnation || stored.status === 'DELETING') return 'gone'
      if (stored.revision !== stream.revision) return 'conflict'
      if (await this.#write(replacing(stream), read)) return 'replaced'
    }
  }

  async remove(stream: StreamRef): Promise<Totals | undefined> {
    const definition = await this.#markDeleting(stream)
    if (definition === undefined) return undefined
    const keys = this.#keys.stream(stream)
    const { due, budget, registry } = this.#keys
    const dropped = [keys.stream, keys.sealed, keys.quarantined, due, budget, keys.shards]
    for (;;) {
      const argv = [keys.base, dueMember(stream), DROP_SLICE]
      const left = await this.#connection.script(
        `drop batches of ${stream.name}`,
        scripts.drop,
        dropped,
        argv,
      )
      if (left === -1) return undefined
      if (left === 0) break
    }
    // Nothing changes the counters of a stream that is DELETING and empty: these are final.
    const totals = await readTotals(this.#connection, this.#keys, stream, this.#now)
    await this.#connection.script(
      `remove stream ${stream.name}`,
      scripts.remove,
      [registry, keys.stream, keys.writers, keys.sealed, keys.quarantined],
      [stream.name, definition],
    )
    return totals
  }

  /** Answers the stored definition, now DELETING; undefined when this incarnation is not there. */
  async #markDeleting({ name, incarnation }: StreamRef): Promise<string | undefined> {
    for (;;) {
      const read = await this.#read(name)
      if (read === null) return undefined
      const stored = parse(read)
      if (stored.incarnation !== incarnation) return undefined
      if (stored.status === 'DELETING') return read
      const deleting: DeliveryStream = { ...stored, status: 'DELETING' }
      if (await this.#write(deleting, read)) return JSON.stringify(deleting)
    }
  }

  /** False when the definition is no longer what was read. */
  async #write(stream: DeliveryStream, read: string): Promise<boolean> {
    const { name, status, version, hints } = stream
    const effect = [status, version, hints.bytes, hints.intervalMs, dueMember(stream)]
    const written = await this.#connection.script(
      `replace stream ${name}`,
      scripts.replace,
      [this.#keys.registry, this.#keys.stream(stream).stream, this.#keys.due],
      [name, read, JSON.stringify(stream), randomUUID(), ...effect],
    )
    return written === 1
  }

  #read(name: string): Promise<string | null> {
    return this.#connection.call(`get stream ${name}`, (client) => client.hget(this.#keys.registry, name))
  }
}

function parse(text: string): DeliveryStream {
  return readStream(JSON.parse(text) as StoredStream)
}

/**
 * The records of a batch, object by object: the order in which encoders take them. Records that all go to one object come
 * straight from the batch. Others are sorted in a staging file first (record-runs), in frames of one object each, so that
 * the memory it takes, some tens of MiB, depends on neither the batch nor the number of its objects.
 *
 * A place counts the records in this order. `source` says which record of the batch it was.
 */
import { rm } from 'node:fs/promises'
import { Frame } from '../domain/frame.ts'
import type { EncodeInput } from '../domain/ports.ts'
import { FrameJoiner } from './joined-frames.ts'
import { ObjectOrder } from './object-order.ts'
import { RecordRuns } from './record-runs.ts'
import { sortedEntries, type RunsFile, type SortedEntry } from './sorted-runs.ts'

export interface ObjectRecords {
  /** The object's index; 0 without dynamic partitioning. */
  readonly index: number
  /** The only one of its batch. */
  readonly isWhole: boolean
  readonly records: number
  readonly bytes: number
  /** To be read once, before the next object is asked for. A frame is valid until the next one is. */
  frames(): AsyncIterable<Frame>
}

export interface RecordSource {
  /** Counts the records of the batch. */
  readonly ordinal: number
  /** Of the record's frame. */
  readonly arrivalMs: number
}

export interface RecordsByObject {
  /** The objects that have records, in order. To be read once. */
  objects(): AsyncIterable<ObjectRecords>
  /** @param arrivalMs of the frame that the record was read from */
  source(place: number, arrivalMs: number): RecordSource
  /** Removes what was staged. May be called again. */
  dispose(): Promise<void>
}

export interface SortOptions {
  /** Of a staging file that is not there yet; asked for when there is something to sort. */
  readonly path: () => string | Promise<string>
  /** The encoder asks for the records' metadata; otherwise frames have none. */
  readonly withMetadata: boolean
}

export async function recordsByObject(input: EncodeInput, options: SortOptions): Promise<RecordsByObject> {
  const { objectOf } = input
  const only = objectOf?.[0] ?? 0
  if (objectOf === undefined || objectOf.every((object) => object === only)) return inOrder(input, only)
  const order = new ObjectOrder(objectOf)
  const path = await options.path()
  const runs = new RecordRuns(order, path, options.withMetadata)
  const dispose = (): Promise<void> => rm(path, { force: true })
  try {
    try {
      for await (const frame of input.frames()) {
        input.signal.throwIfAborted()
        await runs.add(frame)
      }
      await runs.end()
    } finally {
      await runs.close()
    }
    if (runs.records !== objectOf.length)
      throw new Error(`sort records: ${objectOf.length} have an object, ${runs.records} were read`)
  } catch (error) {
    await dispose()
    throw error
  }
  return {
    objects: () => sortedObjects(runs.file, order, (object) => runs.bytesOf(object)),
    source: (place) => {
      const ordinal = order.ordinal(place)
      return { ordinal, arrivalMs: runs.arrivalMs(ordinal) }
    },
    dispose,
  }
}

function inOrder({ batch, frames }: EncodeInput, index: number): RecordsByObject {
  return {
    async *objects() {
      await Promise.resolve()
      yield { index, isWhole: true, records: batch.records, bytes: batch.bytes, frames }
    },
    source: (place, arrivalMs) => ({ ordinal: place, arrivalMs }),
    dispose: () => Promise.resolve(),
  }
}

async function* sortedObjects(
  file: RunsFile,
  order: ObjectOrder,
  bytesOf: (object: number) => number,
): AsyncGenerator<ObjectRecords> {
  const entries = new EntryReader(file)
  const joiner = new FrameJoiner()
  try {
    for (let index = await entries.object(); index !== undefined; index = await entries.object()) {
      const records = order.start(index + 1) - order.start(index)
      const frames = (): AsyncIterable<Frame> => joiner.join(entries.framesOf(index))
      yield { index, isWhole: false, records, bytes: bytesOf(index), frames }
      if ((await entries.object()) === index)
        throw new Error(`read records: not all of object ${index} were taken`)
    }
  } finally {
    await entries.close()
  }
}

class EntryReader {
  readonly #entries: AsyncGenerator<SortedEntry>
  #ahead: IteratorResult<SortedEntry> | undefined

  constructor(file: RunsFile) {
    this.#entries = sortedEntries(file)
  }

  /** Of the next frame, or undefined after the last one. */
  async object(): Promise<number | undefined> {
    this.#ahead ??= await this.#entries.next()
    return this.#ahead.done === true ? undefined : this.#ahead.value.key
  }

  async *framesOf(object: number): AsyncGenerator<Frame> {
    while ((await this.object()) === object && this.#ahead?.done === false) {
      const { body } = this.#ahead.value
      this.#ahead = undefined
      yield new Frame(body)
    }
  }

  async close(): Promise<void> {
    await this.#entries.return(undefined)
  }
}

/**
 * Sorts the records of a batch by object outside memory: so many as fit into a buffer are written to a staging file object
 * by object, a run, in frames of one object each; sorted-runs merges the runs. Small records are copied twice in memory and
 * go through the disk once; nothing is written at random places.
 */
import { FRAME_HEADER_BYTES, FrameFlag, writeFrameHeader, type Frame } from '../domain/frame.ts'
import { MetadataBuilder } from '../domain/metadata-builder.ts'
import type { RecordMetadata } from '../domain/record-metadata.ts'
import type { ObjectOrder } from './object-order.ts'
import { ENTRY_HEADER_BYTES, SortedRuns, type RunsFile } from './sorted-runs.ts'
import { Turns } from './turns.ts'

/**
 * Of the records of a run. It is sorted faster the better it fits into a processor's cache (8 MiB: 0.4 µs of CPU a record,
 * 32 MiB: 0.5), but of many objects a small run has a few records each, and every such piece takes some µs.
 */
const RUN_BYTES = 8 * 1024 * 1024
const RUN_BYTES_OF_MANY_OBJECTS = 32 * 1024 * 1024
const MANY_OBJECTS = 1000
/** Records of a run. */
const RUN_RECORDS = 1 << 20
/** A frame ends before it has more, unless one record has. */
const FRAME_BYTES = 128 * 1024
/** Frames are gathered in so much memory on their way to the file. */
const GATHER_BYTES = 1024 * 1024

interface Origin {
  readonly shardId: string
  readonly metadata: RecordMetadata
}

export class RecordRuns {
  /** Records taken so far. */
  records = 0
  readonly #order: ObjectOrder
  /** Of each object, the place of its first record that is in no run yet. */
  readonly #next: Uint32Array
  readonly #bytesOf: Float64Array
  readonly #arrivals = new Arrivals()
  readonly #withMetadata: boolean
  readonly #runs: SortedRuns
  readonly #turns = new Turns()
  /**
   * Frames that are gathered, then the records of the run to be, each with its newline. In one buffer, because within it a
   * small record is moved in half the time that it takes from one buffer to another.
   */
  #bytes: Buffer
  #gatheredEnd = 0
  #payloadEnd = GATHER_BYTES
  /** Where each record of the run starts. */
  #starts = new Uint32Array(4096)
  #isOdd = new Uint8Array(4096)
  #origins: (Origin | undefined)[] = []
  #runRecords = 0

  /** @param path of a file that is not there yet */
  constructor(order: ObjectOrder, path: string, withMetadata: boolean) {
    this.#order = order
    this.#next = Uint32Array.from({ length: order.objects }, (_, object) => order.start(object))
    this.#bytesOf = new Float64Array(order.objects)
    this.#withMetadata = withMetadata
    this.#runs = new SortedRuns(path)
    // Metadata are held as objects too.
    const areMany = order.objects > MANY_OBJECTS && !withMetadata
    this.#bytes = Buffer.allocUnsafeSlow(GATHER_BYTES + (areMany ? RUN_BYTES_OF_MANY_OBJECTS : RUN_BYTES))
  }

  async add(frame: Frame): Promise<void> {
    const { payload, records } = frame
    const isFull =
      this.#payloadEnd + payload.length > this.#bytes.length || this.#runRecords + records > RUN_RECORDS
    if (isFull && this.#runRecords > 0) await this.end()
    this.#makeRoom(payload.length, records)
    this.#arrivals.add(this.records, frame.arrivalMs)
    payload.copy(this.#bytes, this.#payloadEnd)
    let start = this.#payloadEnd
    for (let index = 0; index < records; index += 1) {
      this.#starts[this.#runRecords + index] = start
      start += frame.length(index) + 1
    }
    this.#isOdd.fill(frame.isOdd ? 1 : 0, this.#runRecords, this.#runRecords + records)
    if (this.#withMetadata) this.#addOrigins(frame)
    this.#payloadEnd = start
    this.#runRecords += records
    this.records += records
    if (this.#turns.isOver) await this.#turns.next()
  }

  #makeRoom(bytes: number, records: number): void {
    // Only a run without records has too little room.
    if (this.#payloadEnd + bytes > this.#bytes.length)
      this.#bytes = Buffer.allocUnsafeSlow(this.#payloadEnd + bytes)
    const needed = this.#runRecords + records
    if (needed <= this.#starts.length) return
    const [starts, isOdd] = [new Uint32Array(2 * needed), new Uint8Array(2 * needed)]
    starts.set(this.#starts)
    isOdd.set(this.#isOdd)
    this.#starts = starts
    this.#isOdd = isOdd
  }

  #addOrigins(frame: Frame): void {
    const { metadata: section } = frame
    if (section === undefined) this.#origins.length += frame.records
    else for (const metadata of section) this.#origins.push({ shardId: section.shardId, metadata })
  }

  /** Ends the run, the last one too. */
  async end(): Promise<void> {
    const first = this.records - this.#runRecords
    for (let object = 0; object < this.#order.objects; object += 1) {
      const end = this.#order.start(object + 1)
      let place = this.#next[object] ?? end
      while (place < end && this.#order.ordinal(place) < this.records) {
        place = await this.#write(object, place, end, first)
        if (this.#turns.isOver) await this.#turns.next()
      }
      this.#next[object] = place
    }
    await this.#runs.flush()
    this.#gatheredEnd = 0
    this.#payloadEnd = GATHER_BYTES
    this.#runRecords = 0
    this.#origins = []
  }

  /** Writes a frame of the object's records from a place on; answers the place after it. */
  async #write(object: number, place: number, objectEnd: number, first: number): Promise<number> {
    const shardId = this.#origins[this.#order.ordinal(place) - first]?.shardId
    let end = place
    let bytes = 0
    let isOdd = 0
    for (; end < objectEnd; end += 1) {
      const index = this.#order.ordinal(end) - first
      if (index >= this.#runRecords) break
      const length = this.#end(index) - (this.#starts[index] ?? 0)
      if (end > place && (bytes + length > FRAME_BYTES || this.#origins[index]?.shardId !== shardId)) break
      bytes += length
      isOdd |= this.#isOdd[index] ?? 0
    }
    const records = end - place
    const section = shardId === undefined ? undefined : this.#section(shardId, place, end, first)
    const metadataBytes = section?.length ?? 0
    const entry = await this.#room(
      ENTRY_HEADER_BYTES + FRAME_HEADER_BYTES + 4 * records + metadataBytes + bytes,
    )
    const frame = entry.subarray(ENTRY_HEADER_BYTES)
    section?.copy(frame, FRAME_HEADER_BYTES + 4 * records)
    this.#copyRecords(frame, FRAME_HEADER_BYTES + 4 * records + metadataBytes, place, end, first)
    writeFrameHeader(frame, {
      flags: isOdd === 0 ? 0 : FrameFlag.odd,
      records,
      arrivalMs: this.#arrivals.at(this.#order.ordinal(place)),
      recordBytes: bytes - records,
      metadataBytes,
    })
    this.#bytesOf[object] = (this.#bytesOf[object] ?? 0) + bytes - records
    await this.#runs.add(object, entry)
    return end
  }

  /** Where a record of the run ends, its newline included. */
  #end(index: number): number {
    return index + 1 < this.#runRecords ? (this.#starts[index + 1] ?? 0) : this.#payloadEnd
  }

  /** The lengths and bytes of records; those that follow one another in the batch in one go. */
  #copyRecords(frame: Buffer, payloadStart: number, place: number, end: number, first: number): void {
    let lengthAt = FRAME_HEADER_BYTES
    let written = payloadStart
    const gatheredAt = frame.buffer === this.#bytes.buffer ? frame.byteOffset - this.#bytes.byteOffset : -1
    const copy = (from: number, to: number): void => {
      if (gatheredAt < 0) this.#bytes.copy(frame, written, from, to)
      else this.#bytes.copyWithin(gatheredAt + written, from, to)
      written += to - from
    }
    let from = 0
    let to = 0
    for (let at = place; at < end; at += 1) {
      const index = this.#order.ordinal(at) - first
      const start = this.#starts[index] ?? 0
      if (start !== to) {
        if (to > from) copy(from, to)
        from = start
      }
      to = this.#end(index)
      lengthAt = frame.writeUInt32LE(to - start - 1, lengthAt)
    }
    copy(from, to)
  }

  #section(shardId: string, place: number, end: number, first: number): Buffer {
    const section = new MetadataBuilder(shardId, end - place)
    for (let at = place; at < end; at += 1) {
      const origin = this.#origins[this.#order.ordinal(at) - first]
      if (origin === undefined) continue
      // Without what processors say: encoders ask for where a record came from.
      const { arrivalMs, sequenceNumber, subSequenceNumber, partitionKey } = origin.metadata
      section.add({ arrivalMs, sequenceNumber, subSequenceNumber, partitionKey })
    }
    return section.finish()
  }

  async #room(bytes: number): Promise<Buffer> {
    if (bytes > GATHER_BYTES) return Buffer.allocUnsafe(bytes)
    if (this.#gatheredEnd + bytes > GATHER_BYTES) {
      await this.#runs.flush()
      this.#gatheredEnd = 0
    }
    this.#gatheredEnd += bytes
    return this.#bytes.subarray(this.#gatheredEnd - bytes, this.#gatheredEnd)
  }

  /** After the last `end`, or when it is given up. */
  close(): Promise<void> {
    this.#bytes = Buffer.alloc(0)
    return this.#runs.close()
  }

  get file(): RunsFile {
    return this.#runs.file
  }

  /** Bytes of an object's records. */
  bytesOf(object: number): number {
    return this.#bytesOf[object] ?? 0
  }

  /** Of the frame that held the record. */
  arrivalMs(ordinal: number): number {
    return this.#arrivals.at(ordinal)
  }
}

/** When each frame came: twelve bytes for each that came at another time than the one before it. */
class Arrivals {
  #firsts = new Uint32Array(1024)
  #arrivals = new Float64Array(1024)
  #count = 0

  /** @param first ordinal of the frame's first record, ascending */
  add(first: number, arrivalMs: number): void {
    if (this.#count > 0 && Object.is(this.#arrivals[this.#count - 1], arrivalMs)) return
    if (this.#count === this.#firsts.length) {
      const [firsts, arrivals] = [new Uint32Array(2 * this.#count), new Float64Array(2 * this.#count)]
      firsts.set(this.#firsts)
      arrivals.set(this.#arrivals)
      this.#firsts = firsts
      this.#arrivals = arrivals
    }
    this.#firsts[this.#count] = first
    this.#arrivals[this.#count] = arrivalMs
    this.#count += 1
  }

  at(ordinal: number): number {
    let low = 0
    let high = this.#count
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((this.#firsts[middle] ?? 0) <= ordinal) low = middle
      else high = middle
    }
    return this.#arrivals[low] ?? 0
  }
}

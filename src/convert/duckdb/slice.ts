/**
 * The quick conversion of a slice: some objects that follow one another, whose records are about as many bytes as a batch's
 * usually are. The frames become lines, the lines one table of typed rows with a doubt; the doubtful records go the exact
 * path, and each object is copied from its range of the table.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectRecords } from '../records-by-object.ts'
import { stagingError } from '../staging.ts'
import { BitSet } from './bit-set.ts'
import { LinesLostError, defect, refuser, type Conversion } from './conversion-context.ts'
import { BatchLines } from './lines.ts'
import { copyObject, type ConvertedObject } from './parquet-copy.ts'
import {
  RANGES_MAX,
  countRows,
  createAside,
  createRows,
  doubtfulRows,
  orderedRows,
  type LinesFile,
  type RecordRange,
} from './query.ts'
import type { FindDoubtful } from './raw-doubt.ts'

/** An object, and which lines of the slice are its records. */
interface SliceObject extends RecordRange {
  readonly index: number
  readonly isWhole: boolean
  readonly records: number
  readonly bytes: number
  /** Lines that give no row beyond doubt. */
  doubtful: number
}

export class Slice {
  /** Bytes of its records so far. */
  bytes = 0
  readonly #conversion: Conversion
  readonly #findDoubtful: FindDoubtful
  readonly #place: number
  readonly #path: string
  readonly #lines: BatchLines
  readonly #objects: SliceObject[] = []

  private constructor(conversion: Conversion, findDoubtful: FindDoubtful, place: number) {
    this.#conversion = conversion
    this.#findDoubtful = findDoubtful
    this.#place = place
    this.#path = join(conversion.folder, 'slice')
    this.#lines = new BatchLines({ ...conversion, path: join(this.#path, 'lines') })
  }

  /** One at a time. @param place of its first record */
  static async begin(conversion: Conversion, findDoubtful: FindDoubtful, place: number): Promise<Slice> {
    const slice = new Slice(conversion, findDoubtful, place)
    try {
      await mkdir(slice.#path, { mode: 0o700 })
    } catch (error) {
      throw stagingError(`make staging folder ${slice.#path}`, error)
    }
    return slice
  }

  /** Records so far. */
  get records(): number {
    return this.#lines.records
  }

  async add(object: ObjectRecords): Promise<void> {
    const { signal, turns } = this.#conversion
    const first = this.#lines.lines
    const firstRecord = this.records
    let bytes = 0
    for await (const frame of object.frames()) {
      signal.throwIfAborted()
      bytes += frame.recordBytes
      await this.#lines.add(frame, this.#findDoubtful(frame))
      if (turns.isOver) await turns.next()
    }
    this.bytes += bytes
    const { index, isWhole } = object
    const records = this.records - firstRecord
    this.#objects.push({ index, isWhole, records, bytes, first, last: this.#lines.lines - 1, doubtful: 0 })
  }

  /** The objects that have rows. */
  convert(): Promise<ConvertedObject[]> {
    return this.#conversion.session.inTurn(() => this.#convert())
  }

  async #convert(): Promise<ConvertedObject[]> {
    const { session, columns } = this.#conversion
    const file = await this.#lines.flushed()
    if (file === undefined) return []
    await session.run(createRows('batch_rows', file, columns))
    const [rows, doubtful = 0, minusZeros = 0] = await session.numbers(countRows('batch_rows', columns))
    if (rows !== this.#lines.lines)
      throw new LinesLostError(`convert: ${this.#lines.lines} lines were written, ${rows} came back`)
    if (doubtful > 0) await this.#decideDoubts()
    const aside = await this.#lines.flushedAside()
    const minusZerosAside = aside === undefined ? 0 : await this.#readAside(aside)
    return this.#copyObjects(minusZeros + minusZerosAside > 0)
  }

  /** Answers how many rows have a minus zero. */
  async #readAside(aside: LinesFile): Promise<number> {
    const { session, columns } = this.#conversion
    await session.run(createAside('aside_rows', aside, columns))
    const [, refused = 0, minusZeros = 0] = await session.numbers(countRows('aside_rows', columns))
    if (refused > 0) throw defect(`${refused} exact rows were refused`)
    return minusZeros
  }

  /** Reads what DuckDB is in doubt of, in order: each such record fails, or its rows are set aside. */
  async #decideDoubts(): Promise<void> {
    const { session, signal } = this.#conversion
    const refuse = refuser(this.#conversion, this.#place)
    const doubts = new BitSet(this.#lines.lines)
    const recordOf = this.#lines.recordOrdinals()
    let at = 0
    await session.integers(doubtfulRows('batch_rows'), (ordinal) => {
      while (ordinal > (this.#objects[at]?.last ?? Infinity)) at += 1
      const object = this.#objects[at]
      if (object !== undefined) object.doubtful += 1
      if (!this.#lines.aside.has(ordinal)) doubts.add(ordinal)
    })
    for await (const record of this.#lines.read(doubts)) {
      signal.throwIfAborted()
      const verdict = await this.#lines.decide(record)
      const { ordinal, arrivalMs, bytes } = record
      if (verdict !== undefined) await refuse(recordOf(ordinal), arrivalMs, verdict, bytes)
    }
  }

  async #copyObjects(hasMinusZero: boolean): Promise<ConvertedObject[]> {
    const { columns } = this.#conversion
    const converted: ConvertedObject[] = []
    const asides = new Ascending(this.#lines.aside.each())
    for (const object of this.#objects) {
      const aside = asides.upTo(object.last, rangesMax(object))
      if (aside.count === 0 && object.doubtful > object.last - object.first) continue
      const query = orderedRows(
        'batch_rows',
        aside.count === 0 ? undefined : 'aside_rows',
        aside.ordinals,
        columns,
        object.isWhole ? undefined : object,
      )
      converted.push(await copyObject(this.#conversion, query, { ...object, hasMinusZero }))
    }
    return converted
  }

  /** Removes what was staged. */
  async end(): Promise<void> {
    try {
      await this.#lines.close()
    } finally {
      await rm(this.#path, { recursive: true, force: true })
    }
  }
}

/** A range takes DuckDB about as long as sorting so many records. */
const RECORDS_A_RANGE = 2000

/** Most records set aside of an object that are put between the others as ranges. */
function rangesMax({ isWhole, records }: SliceObject): number {
  return isWhole ? RANGES_MAX : Math.min(RANGES_MAX, Math.floor(records / RECORDS_A_RANGE))
}

/** Ordinals taken object by object. */
class Ascending {
  readonly #ordinals: Iterator<number>
  #next: number

  constructor(ordinals: Iterator<number>) {
    this.#ordinals = ordinals
    this.#next = this.#following()
  }

  #following(): number {
    const { value, done } = this.#ordinals.next()
    return done === true ? Infinity : value
  }

  /** How many there are up to this one, and which, unless they are more than that. */
  upTo(
    last: number,
    most: number,
  ): { readonly count: number; readonly ordinals: readonly number[] | undefined } {
    const ordinals: number[] = []
    let count = 0
    for (; this.#next <= last; this.#next = this.#following()) {
      count += 1
      if (count <= most) ordinals.push(this.#next)
    }
    return { count, ordinals: count <= most ? ordinals : undefined }
  }
}

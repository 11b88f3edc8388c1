/**
 * The quick conversion of a slice: some objects that follow one another, whose records are about as many bytes as a batch's
 * usually are. The frames become lines, the lines one table of typed rows with a doubt; the doubtful records go the exact
 * path, and each object is copied from its range of the table, a row group at a time.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectRecords } from '../records-by-object.ts'
import { stagingError } from '../staging.ts'
import { BitSet } from './bit-set.ts'
import { defect, refuser, type QuickConversion } from './conversion-context.ts'
import { BatchLines } from './lines.ts'
import { copyRowGroups, type ConvertedObject, type RowGroupQuery } from './parquet-copy.ts'
import {
  countMinusZeros,
  countRows,
  createAside,
  createRows,
  doubtfulRows,
  orderedRows,
  type LinesFile,
  type LineRange,
} from './query.ts'
import { QuickPathError } from './quick-path-error.ts'
import type { FindDoubtful } from './raw-doubt.ts'
import { rowGroupRows } from './row-groups.ts'

/** An object, and which lines of the slice are its records. */
interface SliceObject extends LineRange {
  readonly index: number
  readonly bytes: number
}

export class Slice {
  /** Bytes of its records so far. */
  bytes = 0
  readonly #conversion: QuickConversion
  readonly #findDoubtful: FindDoubtful
  readonly #place: number
  readonly #path: string
  readonly #lines: BatchLines
  readonly #objects: SliceObject[] = []

  private constructor(conversion: QuickConversion, findDoubtful: FindDoubtful, place: number) {
    this.#conversion = conversion
    this.#findDoubtful = findDoubtful
    this.#place = place
    this.#path = join(conversion.folder, 'slice')
    this.#lines = new BatchLines({ ...conversion, path: join(this.#path, 'lines') })
  }

  /** One at a time. @param place of its first record */
  static async begin(conversion: QuickConversion, findDoubtful: FindDoubtful, place: number): Promise<Slice> {
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
    let bytes = 0
    for await (const frame of object.frames()) {
      signal.throwIfAborted()
      bytes += frame.recordBytes
      await this.#lines.add(frame, this.#findDoubtful(frame))
      if (turns.isOver) await turns.next()
    }
    this.bytes += bytes
    this.#objects.push({ index: object.index, bytes, first, last: this.#lines.lines - 1 })
  }

  /** The objects that have rows. */
  convert(): Promise<ConvertedObject[]> {
    return this.#conversion.session.inTurn(() => this.#convert(), this.bytes)
  }

  async #convert(): Promise<ConvertedObject[]> {
    const { session, columns } = this.#conversion
    const file = await this.#lines.flushed()
    if (file === undefined) return []
    await session.run(createRows('batch_rows', file, columns))
    const [rows, doubtful = 0, minusZeros = 0] = await session.numbers(countRows('batch_rows', columns))
    if (rows !== this.#lines.lines)
      throw new QuickPathError(`convert: ${this.#lines.lines} lines were written, ${rows} came back`)
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
    await session.integers(doubtfulRows('batch_rows'), (ordinal) => {
      if (!this.#lines.aside.has(ordinal)) doubts.add(ordinal)
    })
    for await (const record of this.#lines.read(doubts)) {
      signal.throwIfAborted()
      const verdict = await this.#lines.decide(record)
      const { ordinal, arrivalMs, bytes } = record
      if (verdict !== undefined) await refuse(recordOf(ordinal), arrivalMs, verdict, bytes)
    }
  }

  /** @param hasMinusZero a row of any may have one, which takes its row group the dictionaries */
  async #copyObjects(hasMinusZero: boolean): Promise<ConvertedObject[]> {
    const { columns } = this.#conversion
    const converted: ConvertedObject[] = []
    for (const { index, bytes, first, last } of this.#objects) {
      const rowsMax = rowGroupRows({ records: last - first + 1, bytes }, columns)
      const groups: RowGroupQuery[] = []
      for (const lines of rowGroups({ first, last }, rowsMax))
        groups.push(await this.#group(lines, hasMinusZero))
      const copied = await copyRowGroups(this.#conversion, groups, { index, columns, rowGroupRows: rowsMax })
      if (copied !== undefined) converted.push(copied)
    }
    return converted
  }

  async #group(lines: LineRange, mayHaveMinusZero: boolean): Promise<RowGroupQuery> {
    const { session, columns } = this.#conversion
    const aside = this.#lines.aside.hasBetween(lines.first, lines.last) ? 'aside_rows' : undefined
    const query = orderedRows('batch_rows', aside, lines, columns)
    if (!mayHaveMinusZero) return { query, hasMinusZero: false }
    const counts = [countMinusZeros('batch_rows', 'rowid', lines, columns)]
    if (aside !== undefined) counts.push(countMinusZeros(aside, 'line', lines, columns))
    let minusZeros = 0
    for (const count of counts) minusZeros += (await session.numbers(count))[0] ?? 0
    return { query, hasMinusZero: minusZeros > 0 }
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

/** Lines cut into row groups: the same for the same lines, whichever of them give a row. */
function rowGroups({ first, last }: LineRange, rows: number): LineRange[] {
  const groups: LineRange[] = []
  for (let from = first; from <= last; from += rows) {
    groups.push({ first: from, last: Math.min(last, from + rows - 1) })
  }
  return groups
}

/**
 * Records as lines for DuckDB, every one by the exact path: line n is row n, of plain values, and nothing is left to decide.
 * They are cut into row groups by what DuckDB will hold of them, and each part of the table has its own lines.
 */
import type { Frame } from '../../domain/frame.ts'
import type { Turns } from '../turns.ts'
import type { Refuse } from './conversion-context.ts'
import { ExactRecords, type RowParts, type ScanParts } from './exact-record.ts'
import type { LinesWriter } from './lines-writer.ts'
import { PLAIN_OPENING, type MetadataLines } from './metadata-lines.ts'
import type { LinesFile } from './query.ts'

/** A row group weighs no more, unless one row does: the lengths of its lines, and what each value takes beside. */
const ROW_GROUP_WEIGHT = 32 << 20
const VALUE_WEIGHT = 32

export interface RowGroup {
  readonly rows: number
  /** Of the lines of all parts. */
  readonly bytes: number
  /** A number may be minus zero (or a string looks so). */
  readonly hasMinusZero: boolean
  /** The lines of each part: as many as rows. */
  readonly files: readonly LinesFile[]
}

export interface RowLinesOptions {
  /** Takes the lines of each part, of one row group after the other. */
  readonly lines: readonly LinesWriter[]
  readonly scan: ScanParts
  readonly turns: Turns
  /** Undefined without metadata columns. */
  readonly metadata: MetadataLines | undefined
  /** Of each part, whether there are metadata columns in it. */
  readonly hasMetadata: readonly boolean[]
  /** Most rows of a row group. */
  readonly rowsMax: number
  readonly refuse: Refuse
  /** Takes each row group; its lines are gone afterwards. */
  readonly take: (group: RowGroup) => Promise<void>
}

export class RowLines {
  readonly #options: RowLinesOptions
  readonly #exact: ExactRecords<RowParts>
  #records = 0
  #rows = 0
  #weight = 0
  #hasMinusZero = false

  constructor(options: RowLinesOptions) {
    this.#options = options
    this.#exact = new ExactRecords(options.scan, options.turns)
  }

  async add(frame: Frame): Promise<void> {
    const { metadata, refuse } = this.#options
    const openings = metadata?.openings(frame)
    for (const record of frame.recordViews()) {
      const opening = openings?.next().value ?? PLAIN_OPENING
      const verdict = await this.#exact.rows(record, (row) => this.#addRow(row, opening))
      if (verdict !== undefined) await refuse(this.#records, frame.arrivalMs, verdict, record)
      this.#records += 1
    }
  }

  async #addRow({ parts }: RowParts, opening: string): Promise<void> {
    const { lines: writers, hasMetadata, rowsMax } = this.#options
    const weight = parts.reduce((sum, members) => sum + members.length + VALUE_WEIGHT * valuesIn(members), 0)
    if (this.#rows === rowsMax || this.#weight + weight > ROW_GROUP_WEIGHT) await this.endGroup()
    for (const [part, lines] of writers.entries()) {
      const members = parts[part] ?? ''
      await lines.addText(`${hasMetadata[part] === true ? opening : PLAIN_OPENING}${members}}\n`)
      this.#hasMinusZero ||= members.includes('-0.0')
    }
    this.#rows += 1
    this.#weight += weight
  }

  /** Gives away what there is of a row group. */
  async endGroup(): Promise<void> {
    if (this.#rows === 0) return
    const { lines: writers, take } = this.#options
    const files: LinesFile[] = []
    for (const lines of writers) {
      const file = await lines.flushed()
      if (file !== undefined) files.push(file)
    }
    const bytes = writers.reduce((sum, lines) => sum + lines.bytes, 0)
    await take({ rows: this.#rows, bytes, hasMinusZero: this.#hasMinusZero, files })
    for (const lines of writers) await lines.restart()
    this.#rows = 0
    this.#weight = 0
    this.#hasMinusZero = false
  }
}

/** At least as many as there are. */
function valuesIn(members: string): number {
  let values = 1
  for (let at = members.indexOf(','); at !== -1; at = members.indexOf(',', at + 1)) values += 1
  return values
}

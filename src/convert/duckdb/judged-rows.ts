/**
 * The rows of lines that must be judged: a table of typed rows with a doubt. The doubtful records go the exact
 * path, and what they give is set aside in a second table, at the places of their lines.
 *
 * DuckDB reads on into the next line where an object is cut short, and drops that one too. So a line of plain values may be in
 * doubt, or one of nothing but nulls: it is set aside as it is.
 */
import { join } from 'node:path'
import { BitSet } from './bit-set.ts'
import { defect, type QuickConversion, type Refuse } from './conversion-context.ts'
import { ExactRecords } from './exact-record.ts'
import { LinesWriter } from './lines-writer.ts'
import type { RowGroupQuery } from './parquet-copy.ts'
import {
  asideLine,
  countMinusZeros,
  countRows,
  createAside,
  createRows,
  doubtfulRows,
  sureRowsAmong,
  type LineRange,
  type LinesFile,
} from './query.ts'
import { QuickPathError } from './quick-path-error.ts'
import type { LineGroup } from './line-group.ts'
import type { StagedLine } from './staged-lines.ts'

export class JudgedRows {
  readonly #conversion: QuickConversion
  readonly #group: LineGroup
  readonly #refuse: Refuse
  readonly #aside: LinesWriter
  readonly #asideOrdinals = new BitSet()
  #minusZeros = 0

  constructor(conversion: QuickConversion, group: LineGroup, refuse: Refuse) {
    this.#conversion = conversion
    this.#group = group
    this.#refuse = refuse
    this.#aside = new LinesWriter(join(conversion.folder, 'lines-aside'))
  }

  /** In a turn of the session, whose connection has no tables yet; so are the queries of row groups. */
  async judge(file: LinesFile): Promise<void> {
    const { session, columns } = this.#conversion
    await session.run(createRows('line_rows', file, columns))
    const [rows, doubtful = 0, minusZeros = 0] = await session.numbers(countRows('line_rows', columns))
    if (rows !== this.#group.lines)
      throw new QuickPathError(`convert: ${this.#group.lines} lines were written, ${rows} came back`)
    if (doubtful > 0) await this.#decideDoubts(file)
    const aside = await this.#aside.flushed()
    this.#minusZeros = minusZeros + (aside === undefined ? 0 : await this.#readAside(aside))
  }

  /** The rows of some lines. */
  async rowGroup(lines: LineRange): Promise<RowGroupQuery> {
    const { session, columns } = this.#conversion
    const aside = this.#asideOrdinals.hasBetween(lines.first, lines.end - 1) ? 'aside_rows' : undefined
    const query = sureRowsAmong('line_rows', aside, lines, columns)
    if (this.#minusZeros === 0) return { query, hasMinusZero: false }
    const counts = [countMinusZeros('line_rows', 'rowid', lines, columns)]
    if (aside !== undefined) counts.push(countMinusZeros(aside, 'line', lines, columns))
    let minusZeros = 0
    for (const count of counts) minusZeros += (await session.numbers(count))[0] ?? 0
    return { query, hasMinusZero: minusZeros > 0 }
  }

  /** Answers how many rows have a minus zero. */
  async #readAside(aside: LinesFile): Promise<number> {
    const { session, columns } = this.#conversion
    await session.run(createAside('aside_rows', aside, columns))
    const [, refused = 0, minusZeros = 0] = await session.numbers(countRows('aside_rows', columns))
    if (refused > 0) throw defect(`${refused} exact rows were refused`)
    return minusZeros
  }

  /** Reads what DuckDB is in doubt of, in order: each such record fails, or its row is set aside. */
  async #decideDoubts(file: LinesFile): Promise<void> {
    const { session, signal, turns, newScan } = this.#conversion
    const doubts = new BitSet(this.#group.lines)
    await session.integers(doubtfulRows('line_rows'), (ordinal) => doubts.add(ordinal))
    const exact = new ExactRecords(newScan(), turns)
    for await (const line of this.#group.read(file, doubts)) {
      signal.throwIfAborted()
      const { ordinal, place, arrivalMs, bytes } = line
      if (this.#group.isPlain(ordinal)) {
        await this.#setAside(line, bytes.toString('utf8', 1, bytes.length - 1))
        continue
      }
      const verdict = await exact.rows(bytes, ({ members }) => this.#setAside(line, members))
      if (verdict !== undefined) await this.#refuse(place, arrivalMs, verdict, bytes)
    }
  }

  async #setAside({ ordinal, opening }: StagedLine, members: string): Promise<void> {
    if (this.#asideOrdinals.has(ordinal)) throw new QuickPathError('convert: a line was of several documents')
    this.#asideOrdinals.add(ordinal)
    await this.#aside.addText(asideLine(ordinal, opening, members))
  }

  /** Removes what was staged. */
  close(): Promise<void> {
    return this.#aside.close()
  }
}

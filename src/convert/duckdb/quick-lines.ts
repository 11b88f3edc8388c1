/**
 * The records of the objects of a batch as lines for DuckDB, in order. A record whose values are proved, or that DuckDB can judge,
 * is a line as it is; one that must be read exactly becomes a line of plain values for each of its rows, or fails.
 *
 * What DuckDB reads at once is a row group, or some small objects that follow one another. It is read without judging when
 * all its lines allow that, so a few records that are not proved are read exactly rather than left to be judged: that costs
 * some ten times as much a record, and judging as much again for all of them.
 */
import type { Frame } from '../../domain/frame.ts'
import type { ObjectRecords } from '../records-by-object.ts'
import type { Turns } from '../turns.ts'
import type { Refuse } from './conversion-context.ts'
import { ExactRecords, type ExactRow, type ScanExactly } from './exact-record.ts'
import type { LinesWriter } from './lines-writer.ts'
import { PLAIN_OPENING, openingOf, plainPart, type FramePart, type MetadataLines } from './metadata-lines.ts'
import { Mark, type JudgeRecords } from './raw-doubt.ts'
import { LineGroup, type QuickObject } from './line-group.ts'

export interface QuickLinesOptions {
  /** Takes the lines of one row group after the other. */
  readonly lines: LinesWriter
  readonly judge: JudgeRecords
  readonly scan: ScanExactly
  readonly turns: Turns
  /** Undefined without metadata columns. */
  readonly metadata: MetadataLines | undefined
  readonly refuse: Refuse
  /** Takes what is to be read at once; its lines are gone afterwards. */
  readonly take: (group: LineGroup) => Promise<void>
}

/** Of small objects so much is read at once, and no more lines than a row group of theirs may have rows. */
const TOGETHER_BYTES = 32 << 20
/** So many records of a row group that are not proved are read exactly, and one in so many lines. */
const EXACT_FREE = 256
const LINES_AN_EXACT = 32

export class QuickLines {
  readonly #options: QuickLinesOptions
  readonly #exact: ExactRecords<ExactRow>
  #records = 0
  #object: QuickObject | undefined
  #group: LineGroup
  /** Records of the row group that were read exactly although DuckDB could judge them. */
  #exactClear = 0

  constructor(options: QuickLinesOptions) {
    this.#options = options
    this.#exact = new ExactRecords(options.scan, options.turns)
    this.#group = this.#newGroup()
  }

  #newGroup(): LineGroup {
    return new LineGroup(this.#options.lines, this.#options.metadata !== undefined)
  }

  /** The records that follow are this object's. @param records and bytes that it has */
  async begin(
    object: QuickObject,
    { records, bytes }: Pick<ObjectRecords, 'records' | 'bytes'>,
  ): Promise<void> {
    const { lines, segments, bytes: groupBytes } = this.#group
    const isRoom =
      object.isSmall &&
      segments.at(-1)?.object.isSmall === true &&
      groupBytes + bytes <= TOGETHER_BYTES &&
      lines + records <= object.rowsMax
    if (!isRoom) await this.endGroup()
    this.#object = object
    this.#group.begin(object)
  }

  async add(frame: Frame): Promise<void> {
    const { judge, metadata, turns } = this.#options
    const { marks, mayProve } = judge(frame)
    if (metadata === undefined) {
      await this.#addPart(plainPart(frame), marks, mayProve)
      return
    }
    let first = 0
    for (const part of metadata.parts(frame)) {
      await this.#addPart(part, marks.subarray(first, first + part.records), mayProve)
      first += part.records
      if (turns.isOver) await turns.next()
    }
  }

  async #addPart(part: FramePart, marks: Uint8Array, mayProve: boolean): Promise<void> {
    const { arrivalMs, lines, lengths, source } = part
    const place = this.#records
    let runFirst = 0
    let runStart = 0
    let longest = 0
    let start = 0
    let sourceStart = 0
    /** Ends before a record, which starts there. */
    const endRun = async (index: number, at: number): Promise<void> => {
      if (index === runFirst) return
      await this.#group.addRun({
        bytes: lines.subarray(runStart, at),
        lengths: lengths.subarray(4 * runFirst, 4 * index),
        longest,
        place: place + runFirst,
        arrivalMs,
      })
      runFirst = index
      runStart = at
      longest = 0
    }
    for (let index = 0; index < part.records; index += 1) {
      const end = start + lengths.readUInt32LE(4 * index) + 1
      const sourceEnd = sourceStart + part.sourceLength(index) + 1
      if (marks[index] === Mark.proved || (marks[index] === Mark.clear && this.#mayBeJudged(mayProve))) {
        if (end - start > longest) longest = end - start
        if (this.#isFull(index + 1 - runFirst)) {
          await endRun(index + 1, end)
          await this.#goOn()
        }
      } else {
        await endRun(index, start)
        const opening =
          this.#options.metadata === undefined ? PLAIN_OPENING : openingOf(lines.subarray(start, end))
        await this.#addExact(source.subarray(sourceStart, sourceEnd - 1), opening, place + index, arrivalMs)
        runFirst = index + 1
        runStart = end
      }
      start = end
      sourceStart = sourceEnd
    }
    await endRun(part.records, start)
    this.#records += part.records
  }

  /** Whether the row group is, with so many lines more. */
  #isFull(lines: number): boolean {
    return this.#group.segmentLines + lines === this.#object?.rowsMax
  }

  /** Begins another row group of the same object. */
  async #goOn(): Promise<void> {
    await this.endGroup()
    if (this.#object !== undefined) this.#group.begin(this.#object)
  }

  /** False of a record that is rather read exactly, so that its row group stays proved. */
  #mayBeJudged(mayProve: boolean): boolean {
    const group = this.#group
    if (group.isProved && mayProve && this.#exactClear < EXACT_FREE + group.lines / LINES_AN_EXACT) {
      this.#exactClear += 1
      return false
    }
    group.isProved = false
    return true
  }

  async #addExact(record: Buffer, opening: string, place: number, arrivalMs: number): Promise<void> {
    const { refuse } = this.#options
    const verdict = await this.#exact.rows(record, async ({ members }) => {
      await this.#group.addPlain(members, opening, place, arrivalMs)
      if (this.#isFull(0)) await this.#goOn()
    })
    if (verdict !== undefined) await refuse(place, arrivalMs, verdict, record)
  }

  /** Gives away what there is, also of objects without lines. */
  async endGroup(): Promise<void> {
    if (this.#group.segments.length === 0) return
    await this.#options.take(this.#group)
    await this.#options.lines.restart()
    this.#group = this.#newGroup()
    this.#exactClear = 0
  }
}

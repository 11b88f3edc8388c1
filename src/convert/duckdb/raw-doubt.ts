/**
 * What the bytes of a record say of it before DuckDB sees them. One that is written as most are is proved, where all values
 * of columns are (column-layout). In others one pattern finds what DuckDB's reader does not show:
 *
 * - It takes trailing commas, NaN and Infinity for JSON, vertical tabs and form feeds for white space.
 * - It matches keys exactly, and of two equal keys the first; another spelling of a column's key needs folding.
 * - It gives a number as it prints it, not as it came (1.10 as 1.1, 20 digits as 17), and an object re-written.
 * - It reads on into the next line where a record is cut short, and may take that for two: what does not end in a brace is in
 *   doubt.
 * - It skips a line of white space. So whatever does not begin with a brace is in doubt, which metadata-lines relies on too;
 *   the white space that a record ends in, often a newline, does no harm.
 *
 * A match costs its record the exact path and no other record anything. Matching too much is slow, never wrong.
 */
import { isUtf8 } from 'node:buffer'
import type { Frame } from '../../domain/frame.ts'
import { CLOSE_BRACE, OPEN_BRACE, OPEN_BRACKET, blankEndOf } from '../../domain/json-bytes.ts'
import { RecordLayout, type LayoutOptions } from '../../domain/record-layout/layout.ts'
import { DEPTH_MAX, KEY_LENGTH_MAX } from '../json-cursor.ts'
import type { ConversionRules } from '../json-rules.ts'
import { PROVED, columnLayouts } from './column-layout.ts'
import type { LineTable } from './line-columns.ts'
import { rawPattern } from './raw-pattern.ts'
import { lightBytesMax } from './row-weight.ts'

export const Mark = {
  /** Its values need not be judged. */
  proved: 0,
  /** DuckDB can judge it. */
  clear: 1,
  /** It must be read exactly. */
  doubtful: 2,
} as const

export interface JudgedFrame {
  /** Of each record. */
  readonly marks: Uint8Array
  /** False where none is proved and none will be soon. */
  readonly mayProve: boolean
}

export type JudgeRecords = (frame: Frame) => JudgedFrame

/** A shorter record cannot be nested deeper than the exact reader allows. */
const NESTED_BYTES_MIN = 2 * DEPTH_MAX

export function recordJudge(
  table: LineTable,
  rules: ConversionRules,
  layoutOptions?: LayoutOptions,
): JudgeRecords {
  const pattern = rawPattern(table, rules)
  if (pattern === undefined)
    return ({ records }) => ({ marks: new Uint8Array(records).fill(Mark.doubtful), mayProve: false })
  const lightBytes = lightBytesMax(table.columns.map(({ type }) => type))
  const isClear = (text: string): boolean =>
    text.charCodeAt(0) === OPEN_BRACE &&
    text.charCodeAt(text.length - 1) === CLOSE_BRACE &&
    !pattern.test(text)
  const layout = new RecordLayout(columnLayouts(table, rules, isClear), layoutOptions)
  return (frame) => {
    const marks = new Uint8Array(frame.records)
    const payload = frame.payload
    const text = payload.toString('latin1')
    const odd = frame.isOdd ? new OddRecords(payload, text) : undefined
    layout.open(frame, text)
    const markOfLayout = layout.way === PROVED ? Mark.proved : Mark.clear
    let start = 0
    for (let index = 0; index < frame.records; index += 1) {
      const next = start + frame.length(index) + 1
      const end = blankEndOf(text, start, next - 1)
      const length = end - start
      if (
        length > lightBytes ||
        (length > NESTED_BYTES_MIN && isLongOrDeep(payload, start, end)) ||
        odd?.has(start, end) === true
      )
        marks[index] = Mark.doubtful
      else if (layout.has(start, end)) marks[index] = markOfLayout
      else marks[index] = isClear(text.slice(start, end)) ? Mark.clear : Mark.doubtful
      start = next
    }
    return { marks, mayProve: layout.way === PROVED || layout.isUndecided }
  }
}

/** True when the exact reader might refuse a key for its length or the record for its depth. */
function isLongOrDeep(payload: Buffer, start: number, end: number): boolean {
  if (end - start > KEY_LENGTH_MAX) return true
  let opened = 0
  for (let at = start; at < end; at += 1) {
    const code = payload[at]
    if (code === OPEN_BRACE || code === OPEN_BRACKET) opened += 1
  }
  return opened >= DEPTH_MAX
}

/** UTF-8 of a byte order mark, byte by byte. */
const BYTE_ORDER_MARK = '\xef\xbb\xbf'

/** What FrameFlag.odd says of a frame, of one record after the other: looked for in the whole frame, as most have nothing. */
class OddRecords {
  readonly #payload: Buffer
  readonly #text: string
  readonly #isUtf8: boolean
  readonly #places = ['\r', '\0', '\u0001', BYTE_ORDER_MARK].map((mark) => ({ mark, next: -1 }))
  /** The first of these. */
  #next = -1

  /** @param text the payload's bytes, each a character */
  constructor(payload: Buffer, text: string) {
    this.#payload = payload
    this.#text = text
    this.#isUtf8 = isUtf8(payload)
  }

  /** Records are asked for in their order. @param end without the white space that it ends in */
  has(start: number, end: number): boolean {
    if (start === end || this.#text.indexOf('\n', start) < end) return true
    if (this.#next < start) this.#goOn(start)
    if (this.#next < end) return true
    return !this.#isUtf8 && !isUtf8(this.#payload.subarray(start, end))
  }

  #goOn(start: number): void {
    for (const place of this.#places) {
      if (place.next >= start) continue
      const found = this.#text.indexOf(place.mark, start)
      place.next = found === -1 ? Infinity : found
    }
    this.#next = Math.min(...this.#places.map(({ next }) => next))
  }
}

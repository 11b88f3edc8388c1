/**
 * Metadata columns in the lines for DuckDB. With them, a line opens with their members, and a tab, before what it holds of
 * the record:
 *
 *     {"\u0001m0":"shardId-000000000003","\u0001m1":"49590338271490256608559692538361571095921575989136588898",<tab>"order_id":"o-1"}
 *
 * - Every member is there, null or not, under a key that no record has which is a line as it came (raw-doubt): nothing of a
 *   record gets into these columns. The name of such a column is nothing that DuckDB looks for in a line.
 * - What follows the opening is the record without its first byte, a brace. DuckDB takes the two together exactly when it
 *   takes the record: also `{}`, since it is kind to a comma before a closing brace. A record that begins with anything
 *   else goes the exact path.
 * - Members of ours hold no tab, so the first tab of a line is where the record begins: its bytes are found there again.
 */
import type { Frame } from '../../domain/frame.ts'
import type { RecordMetadata } from '../../domain/record-metadata.ts'
import type { TypedColumn } from '../hive-types.ts'
import { jsonString } from '../json-text.ts'
import {
  eachMetadata,
  metadataFields,
  readField,
  type MetadataValue,
  type ReadField,
} from '../metadata-columns.ts'

/** The opening of a line without metadata. */
export const PLAIN_OPENING = '{'

const TAB = 0x09
const BRACE = 0x7b
/** Room for an opening of five members, as they usually are. */
const OPENING_BYTES = 192
/** A part ends with the line that reaches this. */
const PART_BYTES = 1 << 20
/** For the last line of a part. */
const SPARE_BYTES = 4096

/** Consecutive records of a frame and their lines. */
export interface FramePart {
  readonly arrivalMs: number
  readonly records: number
  /** The records' own bytes, each followed by a newline. */
  readonly source: Buffer
  sourceLength(index: number): number
  /** The lines, each followed by a newline: the same bytes when nothing is added. */
  readonly lines: Buffer
  /** Of each line without its newline, u32 little endian. */
  readonly lengths: Buffer
}

/** A frame whose records are its lines. */
export function plainPart(frame: Frame): FramePart {
  const { arrivalMs, records, payload, lengths } = frame
  const sourceLength = (index: number): number => frame.length(index)
  return { arrivalMs, records, source: payload, sourceLength, lines: payload, lengths }
}

/** Keys of the members, one for each metadata column among these; no column of a table begins like them. */
export function metadataKeys(columns: readonly TypedColumn[]): readonly string[] {
  return metadataFields(columns).map((_, index) => `\u0001m${index}`)
}

export class MetadataLines {
  readonly #members: readonly { readonly key: string; readonly read: ReadField }[]
  readonly #none: string

  /** @param columns with metadata columns among them @param keys of the metadata columns */
  constructor(columns: readonly TypedColumn[], keys: readonly string[]) {
    this.#members = metadataFields(columns).map((field, index) => ({
      key: `${JSON.stringify(keys[index] ?? '')}:`,
      read: readField[field],
    }))
    this.#none = `{${this.#members.map(({ key }) => `${key}null,`).join('')}\t`
  }

  /** The opening of each record's line, in order. */
  openings(frame: Frame): Iterator<string, undefined> {
    return eachMetadata(frame, (metadata, shardId) => this.#opening(metadata, shardId), this.#none)
  }

  #opening(metadata: RecordMetadata, shardId: string): string {
    let opening = PLAIN_OPENING
    for (const { key, read } of this.#members) opening += `${key}${jsonOf(read(metadata, shardId))},`
    return `${opening}\t`
  }

  /**
   * The lines of a frame's records, of which only those that begin with a brace are of use. In parts, because the lines of
   * an aggregate can be a hundred times as long as its records.
   */
  *parts(frame: Frame): Generator<FramePart> {
    const openings = this.openings(frame)
    let first = 0
    let start = 0
    while (first < frame.records) {
      const part = this.#part(frame, first, start, openings)
      yield part
      first += part.records
      start += part.source.length
    }
  }

  #part(frame: Frame, first: number, start: number, openings: Iterator<string, undefined>): FramePart {
    const { payload, arrivalMs, records: count } = frame
    const lengths = Buffer.allocUnsafe(4 * (count - first))
    const expected = payload.length - start + OPENING_BYTES * (count - first)
    let lines = Buffer.allocUnsafe(Math.min(PART_BYTES, expected) + SPARE_BYTES)
    let records = 0
    let end = 0
    let recordStart = start
    for (; first + records < count && end < PART_BYTES; records += 1) {
      const opening = openings.next().value ?? this.#none
      const recordEnd = recordStart + frame.length(first + records) + 1
      const lineStart = end
      const room = end + 3 * opening.length + recordEnd - recordStart
      if (room > lines.length) lines = grown(lines, end, room)
      end += lines.write(opening, end)
      end += payload.copy(lines, end, Math.min(recordStart + 1, recordEnd - 1), recordEnd)
      lengths.writeUInt32LE(end - lineStart - 1, 4 * records)
      recordStart = recordEnd
    }
    return {
      arrivalMs,
      records,
      source: payload.subarray(start, recordStart),
      sourceLength: (index) => frame.length(first + index),
      lines: lines.subarray(0, end),
      lengths: lengths.subarray(0, 4 * records),
    }
  }
}

function jsonOf(value: MetadataValue): string {
  return typeof value === 'string' ? jsonString(value) : String(value)
}

function grown(bytes: Buffer, end: number, room: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(2 * room)
  bytes.copy(larger, 0, 0, end)
  return larger
}

/** The opening of a line of `MetadataLines`. */
export function openingOf(line: Buffer): string {
  return line.toString('utf8', 0, line.indexOf(TAB) + 1)
}

/** The record that such a line holds. The line is not what it was afterwards. */
export function recordOf(line: Buffer): Buffer {
  const record = line.subarray(line.indexOf(TAB))
  record[0] = BRACE
  return record
}

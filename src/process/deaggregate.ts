/**
 * RecordDeAggregation: one record becomes its sub-records, byte for byte. A record that has more than 500 of them, or that
 * cannot be taken apart, goes on whole.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Deaggregation } from '../domain/delivery-stream.ts'
import type { Frame } from '../domain/frame.ts'
import { OPEN_BRACE } from '../domain/json-bytes.ts'
import { eachRecord, SAME, type Made } from './each-record.ts'
import { BROKEN, endInTurns, endOfValue, PAUSED, skipBlank, TURN_BYTES } from './json-scan.ts'
import type { Tally } from './tally.ts'

/** Sub-records of one record (docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-multirecord-deaggergation.html). */
export const SUB_RECORDS_MAX = 500

/** Why a record goes on whole. */
export type Whole = 'malformed' | 'too-many'
export type Parts = readonly Buffer[] | Whole
export type Split = (record: Buffer) => Parts

export function deaggregate(
  frames: AsyncIterable<Frame>,
  how: Deaggregation,
  { tally, signal }: { tally: Tally; signal: AbortSignal },
): AsyncIterable<Frame> {
  const split = how.kind === 'json' ? jsonSplit(signal) : piecesBetween(Buffer.from(how.delimiter, 'base64'))
  const made = (record: Buffer, parts: Parts): Made => {
    if (typeof parts === 'string') {
      tally.whole(parts)
      return SAME
    }
    tally.split(parts.length)
    return parts.length === 1 && parts[0]?.length === record.length ? SAME : parts
  }
  const make = (record: Buffer): Made | Promise<Made> => {
    // An empty record has no parts and is none; what reads it says what is wrong with it.
    if (record.length === 0) return SAME
    const parts = split(record)
    return parts instanceof Promise ? parts.then((found) => made(record, found)) : made(record, parts)
  }
  return eachRecord(frames, make, signal)
}

/** Objects that follow each other, with white space between them or not; the white space is dropped. */
export function* jsonObjects(record: Buffer): Generator<'part', Parts> {
  const objects: Buffer[] = []
  let at = skipBlank(record, 0)
  while (at < record.length) {
    if (record[at] !== OPEN_BRACE) return 'malformed'
    let end = endOfValue(record, at, TURN_BYTES)
    if (end === PAUSED) end = yield* endInTurns(record, at)
    if (end === BROKEN) return 'malformed'
    if (objects.length === SUB_RECORDS_MAX) return 'too-many'
    objects.push(record.subarray(at, end))
    at = skipBlank(record, end)
  }
  return objects.length === 0 ? 'malformed' : objects
}

/** At once where nothing in it is long, as decompression makes it; else other work of the process has its turns. */
function jsonSplit(signal: AbortSignal): (record: Buffer) => Parts | Promise<Parts> {
  return (record) => {
    const reading = jsonObjects(record)
    const step = reading.next()
    return step.done === true ? step.value : restInTurns(reading, signal)
  }
}

async function restInTurns(reading: Generator<'part', Parts>, signal: AbortSignal): Promise<Parts> {
  for (;;) {
    await nextTurn()
    signal.throwIfAborted()
    const step = reading.next()
    if (step.done === true) return step.value
  }
}

/** What stands between delimiters. Nothing behind the last of them is no sub-record, as with Java's `String.split`. */
export function piecesBetween(delimiter: Buffer): Split {
  if (delimiter.length === 0) return () => 'malformed'
  return (record) => {
    const pieces: Buffer[] = []
    let at = 0
    let empty = 0
    while (at < record.length) {
      const found = startsWith(record, at, delimiter) ? at : record.indexOf(delimiter, at)
      const end = found === -1 ? record.length : found
      if (end === at) empty += 1
      else {
        if (pieces.length + empty >= SUB_RECORDS_MAX) return 'too-many'
        for (; empty > 0; empty -= 1) pieces.push(record.subarray(at, at))
        pieces.push(record.subarray(at, end))
      }
      at = end + delimiter.length
    }
    return pieces
  }
}

/** Quicker than a search where delimiters follow each other, perhaps a million of them. */
function startsWith(record: Buffer, at: number, delimiter: Buffer): boolean {
  for (let index = 0; index < delimiter.length; index += 1) {
    if (record[at + index] !== delimiter[index]) return false
  }
  return true
}

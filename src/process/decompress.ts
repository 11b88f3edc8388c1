/**
 * Decompression, and CloudWatchLogProcessing, which is there only with it: a record is gzip of a CloudWatch Logs
 * subscription, and becomes its JSON or, where only messages are wanted, the messages of its log events, each with a newline.
 * A control message has none, so that its record becomes an empty one. What is nothing of the kind fails as it came.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Frame } from '../domain/frame.ts'
import { MIB } from '../domain/limits.ts'
import type { RecordVerdict } from '../domain/record-metadata.ts'
import { eachRecord, type Made } from './each-record.ts'
import {
  EXCESS_BYTES_MAX,
  inflate,
  INFLATED_BYTES_MAX,
  INFLATED_TIMES_MAX,
  type Inflation,
} from './inflate.ts'
import { LogText } from './log-envelope.ts'
import type { Tally } from './tally.ts'

/** Code and message are the service's. */
export const NOT_LOGS: RecordVerdict = {
  errorType: 'decompression-failed',
  code: 'Decompression failed.',
  message: 'Decompression failed because input data does not conform to cloudwatch log.',
}

export const TOO_LARGE: RecordVerdict = {
  ...NOT_LOGS,
  message: `Decompression failed because the record has more than ${INFLATED_BYTES_MAX} bytes once decompressed.`,
}

/** Of a record that would be taken by itself, after what its batch has had of its kind. */
export const TOO_MUCH: RecordVerdict = {
  ...NOT_LOGS,
  message: `Decompression failed because the record has more than ${INFLATED_TIMES_MAX} times its bytes once decompressed, and all of its batch have more than ${EXCESS_BYTES_MAX} bytes beyond that.`,
}

/** Log events that are read before other work of the process gets its turn; of a text shorter than that, all. */
const TURN_EVENTS = 4096

export interface DecompressOptions {
  readonly messagesOnly: boolean
  /** Of the records before, to which those of this reading are added. */
  readonly inflation: Inflation
  readonly tally: Tally
  readonly signal: AbortSignal
}

export function decompress(frames: AsyncIterable<Frame>, options: DecompressOptions): AsyncIterable<Frame> {
  const { messagesOnly, inflation, tally, signal } = options
  const make = async (record: Buffer): Promise<Made> => {
    const bytesMax = inflation.bytesMax(record)
    const text = await inflate(record, bytesMax)
    const made = typeof text === 'string' ? undefined : await readLogs(text, messagesOnly, signal)
    if (typeof text === 'string' || made === undefined) {
      tally.notDecompressed(record.length)
      if (text !== 'too-large') return NOT_LOGS
      return bytesMax < INFLATED_BYTES_MAX ? TOO_MUCH : TOO_LARGE
    }
    inflation.take(record, text.length)
    tally.decompressed(text.length)
    return [made]
  }
  return eachRecord(frames, make, signal)
}

async function readLogs(
  text: Buffer,
  messagesOnly: boolean,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const logs = new LogText(text, { messages: messagesOnly })
  const reading = logs.read()
  let events = 0
  let step = reading.next()
  for (; step.done !== true; step = reading.next()) {
    if (step.value === 'event') events += 1
    if (step.value === 'event' && (text.length < MIB || events % TURN_EVENTS !== 0)) continue
    await nextTurn()
    signal.throwIfAborted()
  }
  if (!step.value) return undefined
  return messagesOnly ? logs.messages : text
}

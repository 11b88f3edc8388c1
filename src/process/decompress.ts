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
import { inflate, INFLATED_BYTES_MAX } from './inflate.ts'
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

/** Log events that are read before other work of the process gets its turn; of a text shorter than that, all. */
const TURN_EVENTS = 4096

export function decompress(
  frames: AsyncIterable<Frame>,
  options: { readonly messagesOnly: boolean; readonly tally: Tally; readonly signal: AbortSignal },
): AsyncIterable<Frame> {
  const { messagesOnly, tally, signal } = options
  const make = async (record: Buffer): Promise<Made> => {
    const text = await inflate(record)
    const made = typeof text === 'string' ? undefined : await readLogs(text, messagesOnly, signal)
    if (typeof text === 'string' || made === undefined) {
      tally.notDecompressed(record.length)
      return text === 'too-large' ? TOO_LARGE : NOT_LOGS
    }
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
    events += 1
    if (text.length < MIB || events % TURN_EVENTS !== 0) continue
    await nextTurn()
    signal.throwIfAborted()
  }
  if (!step.value) return undefined
  return messagesOnly ? logs.messages : text
}

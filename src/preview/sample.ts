/** A file of sample records: a record on each line, as it is or in base64. */
import { readFile } from 'node:fs/promises'
import { buffer as bytesOf } from 'node:stream/consumers'
import { StartError } from '../domain/errors.ts'
import { FrameBuilder, type Frame } from '../domain/frame.ts'
import { RECORD_BYTES_MAX } from '../domain/limits.ts'

/** Of the file. A preview holds its sample, and what becomes of it, in memory. */
const SAMPLE_BYTES_MAX = 128 << 20
const RECORDS_PER_FRAME = 500
const NEWLINE = 0x0a

export interface SampleOptions {
  /** `-` is standard input. */
  readonly path: string
  /** Each line is base64 of a record, as records of bytes that are no text need it. */
  readonly isBase64: boolean
  /** When the records are taken to have come, epoch ms. */
  readonly arrivalMs: number
}

/** @throws StartError for a file that cannot be read, is empty or too large, or has a line that is no record */
export async function readSample(options: SampleOptions): Promise<readonly Frame[]> {
  const records = recordsIn(await contentOf(options.path), options)
  if (records.length === 0)
    throw unreadable(options.path, 'it is empty', 'write a record on each line of the sample')
  const frames: Frame[] = []
  for (let first = 0; first < records.length; first += RECORDS_PER_FRAME)
    frames.push(frameOf(records.slice(first, first + RECORDS_PER_FRAME), options.arrivalMs))
  return frames
}

async function contentOf(path: string): Promise<Buffer> {
  let content: Buffer
  try {
    content = path === '-' ? await bytesOf(process.stdin) : await readFile(path)
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw unreadable(path, problem, 'give a file with a record on each line, or - for standard input', cause)
  }
  if (content.length > SAMPLE_BYTES_MAX)
    throw unreadable(
      path,
      `it has ${content.length} bytes; the limit is ${SAMPLE_BYTES_MAX}`,
      'take fewer records, with head for instance',
    )
  return content
}

/** What follows the last newline is a record unless it is nothing: so an empty line between others is an empty record. */
function recordsIn(content: Buffer, options: SampleOptions): readonly Buffer[] {
  const records: Buffer[] = []
  for (let start = 0; start < content.length;) {
    const newline = content.indexOf(NEWLINE, start)
    const end = newline === -1 ? content.length : newline
    records.push(recordOf(content.subarray(start, end), records.length + 1, options))
    start = end + 1
  }
  return records
}

function recordOf(line: Buffer, number: number, { path, isBase64 }: SampleOptions): Buffer {
  const record = isBase64 ? decoded(line) : line
  if (record === undefined)
    throw unreadable(path, `line ${number} is not base64`, 'leave --base64 out for records that are text')
  if (record.length > RECORD_BYTES_MAX)
    throw unreadable(
      path,
      `line ${number} has ${record.length} bytes; a record has ${RECORD_BYTES_MAX} at the most`,
      'write a record on each line of the sample',
    )
  return record
}

function decoded(line: Buffer): Buffer | undefined {
  const text = line.toString('latin1').trim()
  const isWhole = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
  return isWhole ? Buffer.from(text, 'base64') : undefined
}

function frameOf(records: readonly Buffer[], arrivalMs: number): Frame {
  const bytes = records.reduce((sum, record) => sum + record.length, 0)
  const builder = new FrameBuilder(records.length, bytes)
  for (const record of records) builder.addBytes(record)
  return builder.finish(arrivalMs)
}

function unreadable(path: string, problem: string, hint: string, cause?: unknown): StartError {
  const name = path === '-' ? 'standard input' : path
  return new StartError(`read sample ${name}: ${problem}`, { cause, hint })
}

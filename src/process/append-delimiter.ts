/** AppendDelimiterToRecord: a newline behind each record that lands as it is. What goes to the error prefix stays as it came. */
import type { Frame } from '../domain/frame.ts'
import { PARTITION_VERDICT, type Partitions } from '../domain/ports.ts'
import { eachRecord, SAME } from './each-record.ts'

const NEWLINE = Buffer.from('\n')

export function appendDelimiter(
  frames: AsyncIterable<Frame>,
  partitions: Pick<Partitions, 'objectOf'> | undefined,
  signal: AbortSignal,
): AsyncIterable<Frame> {
  const failed = (place: number): boolean => (partitions?.objectOf[place] ?? 0) >= PARTITION_VERDICT
  return eachRecord(
    frames,
    (record, place) => (failed(place) ? SAME : [Buffer.concat([record, NEWLINE])]),
    signal,
  )
}

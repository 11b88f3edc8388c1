/**
 * A transform that answers otherwise each time: the record with the number of the time behind it, or, by what the record
 * says, dropped or failed. What was decided passes.
 */
import { FrameBuilder, type Frame } from '../../src/domain/frame.ts'
import { MetadataBuilder } from '../../src/domain/metadata-builder.ts'
import type { RecordMetadata, RecordVerdict } from '../../src/domain/record-metadata.ts'
import type { TransformInput, TransformStage } from '../../src/process/stages.ts'

export const LAMBDA_FAILED: RecordVerdict = {
  errorType: 'processing-failed',
  code: 'Lambda.FunctionError',
  message: 'no',
  attemptsMade: 4,
}

export class MoodyTransform implements TransformStage {
  times = 0
  /** Records that it forgets at the end. */
  forgets = 0
  readonly inputs: TransformInput[] = []

  async *transform(input: TransformInput): AsyncGenerator<Frame> {
    this.times += 1
    this.inputs.push(input)
    let place = 0
    for await (const frame of input.frames) {
      yield this.#made(frame, place)
      place += frame.records
    }
  }

  #made(frame: Frame, start: number): Frame {
    const entries = frame.metadata?.[Symbol.iterator]()
    const section = new MetadataBuilder(frame.metadata?.shardId ?? '')
    const records: Buffer[] = []
    for (const view of frame.recordViews()) {
      const known = (entries?.next().value as RecordMetadata | undefined) ?? {
        arrivalMs: frame.arrivalMs,
        sequenceNumber: '',
        partitionKey: '',
      }
      if (records.length === frame.records - this.forgets) break
      const metadata = { ...known, origin: known.origin ?? start + records.length }
      const text = view.toString()
      if (known.verdict !== undefined || known.isDropped === true) section.add(metadata)
      else if (text.includes('drop')) section.add({ ...metadata, isDropped: true })
      else if (text.includes('fail')) section.add({ ...metadata, verdict: LAMBDA_FAILED })
      else section.add({ ...metadata, partitionKeys: { time: String(this.times) } })
      const isOk = known.verdict === undefined && known.isDropped !== true && !/drop|fail/.test(text)
      records.push(isOk ? Buffer.from(`${text}@${this.times}`) : Buffer.from(view))
    }
    const builder = new FrameBuilder(records.length, Buffer.concat(records).length, section.finish())
    for (const record of records) builder.addBytes(record)
    return builder.finish(frame.arrivalMs)
  }
}

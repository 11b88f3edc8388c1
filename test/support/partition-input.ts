/** What the tests of dynamic partitioning put in, and what came out in words that can be compared. */
import { createLog } from '../../src/account/log.ts'
import type { SealedBatch } from '../../src/domain/batch.ts'
import type { S3Destination } from '../../src/domain/delivery-stream.ts'
import { FrameBuilder, type Frame } from '../../src/domain/frame.ts'
import { PROCESSORS_VERSION, type QueryLimits } from '../../src/domain/plan.ts'
import { NOT_PARTITIONED, PARTITION_VERDICT, type Partitions } from '../../src/domain/ports.ts'
import type { LayoutOptions } from '../../src/domain/record-layout/layout.ts'
import { createPartition } from '../../src/process/partition/partition.ts'
import type { PartitionInput } from '../../src/process/stages.ts'
import { planOf } from '../conformance/store/fixture.ts'
import { ARRIVAL_MS, sealed } from './one-delivery.ts'
import { each } from './records-in.ts'

const log = createLog('error')

export interface PartitionCase {
  readonly prefix: string
  readonly query?: string
  readonly frames: readonly Frame[]
  readonly objectBytes?: number
  /** Default: no limit. */
  readonly maxPartitions?: number
  readonly onlyJq?: boolean
  /** Default: of the first frame. */
  readonly layout?: LayoutOptions
  readonly destination?: Partial<S3Destination>
  readonly batch?: Partial<SealedBatch>
  readonly queryLimits?: Partial<QueryLimits>
}

export function framesWith(records: readonly (string | Uint8Array)[], recordsPerFrame = 50): Frame[] {
  const frames: Frame[] = []
  for (let first = 0; first < records.length; first += recordsPerFrame) {
    const bytes = records.slice(first, first + recordsPerFrame).map((record) => Buffer.from(record as string))
    const builder = new FrameBuilder(
      bytes.length,
      bytes.reduce((sum, { length }) => sum + length, 0),
    )
    for (const record of bytes) builder.addBytes(record)
    frames.push(builder.finish(ARRIVAL_MS + first))
  }
  return frames
}

export function partitionInput(given: PartitionCase): PartitionInput {
  const { prefix, query, frames, objectBytes = 64 * 1024 * 1024, maxPartitions = 0, queryLimits } = given
  const partitioning = { ...(query === undefined ? {} : { query }), objectBytes }
  const plan = planOf()
  return {
    batch: { ...sealed(frames), ...given.batch },
    plan: {
      ...plan,
      destination: {
        ...plan.destination,
        prefix,
        errorOutputPrefix: 'errors/!{firehose:error-output-type}/',
        partitioning,
        ...given.destination,
      },
      processorsVersion: PROCESSORS_VERSION,
      maxPartitions,
      queryLimits: { queryMaxMs: 5_000, queryOutputMaxBytes: 16 * 1024 * 1024, ...queryLimits },
    },
    partitioning,
    frames: () => each(frames),
    signal: new AbortController().signal,
  }
}

export async function partitioned(given: PartitionCase): Promise<Partitions> {
  const { onlyJq = false, layout = { judgedAfter: 0 } } = given
  const stage = createPartition({ onlyJq, layout, log })
  const partitions = await stage.partition(partitionInput(given))
  await partitions.dispose()
  return partitions
}

/** Of each record: the keys and the part of its object, or what was said of it. */
export function inWords({ objects, objectOf, verdicts }: Partitions): string[] {
  return Array.from(objectOf, (place) => {
    if (place === NOT_PARTITIONED) return 'not partitioned'
    if (place >= PARTITION_VERDICT) {
      const { errorType, code, message } = verdicts[place - PARTITION_VERDICT] ?? {}
      return `${errorType} ${code}: ${message}`
    }
    const { queryKeys, lambdaKeys, part } = objects[place] ?? {}
    const keys = Object.entries({ ...queryKeys, ...lambdaKeys }).map(([key, value]) => `${key}=${value}`)
    return `${keys.join(' ')} #${part}`
  })
}

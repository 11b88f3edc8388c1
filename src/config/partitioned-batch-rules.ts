/**
 * A rule between the buffer and the delivery streams with dynamic partitioning. Like other rules across settings it sees
 * what was written even where it is wrong, so it reads it with care.
 */
import type { z } from 'zod'
import { formatBytes } from './fields.ts'
import { shareOf } from './kinesis-rules.ts'

interface Buffer {
  readonly maxBytes?: unknown
  readonly perStreamShare?: unknown
  readonly partitionedBatchBytes?: unknown
}

/** Bytes of the share, where no batch of that size fits into it; undefined where it does, or a setting is wrong. */
export function tooSmallShare(buffer: Buffer | undefined): number | undefined {
  const share = shareOf(buffer)
  const batch = buffer?.partitionedBatchBytes
  return share !== undefined && typeof batch === 'number' && batch > share ? share : undefined
}

/** A batch that its stream's share cannot hold would throttle the stream until its interval has passed, each time. */
export function partitionedBatchRules(
  config: { readonly buffer?: Buffer; readonly deliveryStreams?: unknown },
  context: z.core.$RefinementCtx,
): void {
  const share = tooSmallShare(config?.buffer)
  if (share === undefined || !hasPartitions(config.deliveryStreams)) return
  context.addIssue({
    code: 'custom',
    path: ['buffer', 'partitionedBatchBytes'],
    message: `is more than a delivery stream may take in the buffer, ${formatBytes(Math.floor(share))} (maxBytes × perStreamShare): with dynamic partitioning it would be throttled before a batch is full; lower it, or raise maxBytes`,
  })
}

function hasPartitions(deliveryStreams: unknown): boolean {
  if (!Array.isArray(deliveryStreams)) return false
  return deliveryStreams.some((declaration: unknown) => {
    const destination = member(declaration, 'ExtendedS3DestinationConfiguration')
    return member(member(destination, 'DynamicPartitioningConfiguration'), 'Enabled') === true
  })
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

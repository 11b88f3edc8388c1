/**
 * Rules between the settings and the delivery streams that Kinesis feeds. Like other rules across settings they see what
 * was written even where it is wrong, so they read it with care.
 */
import type { z } from 'zod'
import { MIB } from '../domain/limits.ts'
import { formatBytes } from './fields.ts'

/**
 * What is read of a shard is appended as a whole. A reader that is refused asks for fewer records, at last for one; but one
 * may have 10 MiB, and an aggregate of tiny ones, each with where it came from, becomes several times as much. A buffer
 * without room for that would hold its shard up for ever.
 */
export const SHARE_MIN = 64 * MIB

interface Budget {
  readonly maxBytes?: unknown
  readonly perStreamShare?: unknown
}

/** Bytes that one delivery stream may take in the buffer; undefined where a setting is wrong. */
export function shareOf(buffer: Budget | undefined): number | undefined {
  const { maxBytes, perStreamShare } = buffer ?? {}
  return typeof maxBytes === 'number' && typeof perStreamShare === 'number'
    ? maxBytes * perStreamShare
    : undefined
}

interface Sources {
  readonly buffer?: Budget
  readonly kinesis?: { readonly endpoint?: unknown; readonly region?: unknown }
  readonly deliveryStreams?: unknown
}

export function kinesisSourceRules(config: Sources, context: z.core.$RefinementCtx): void {
  const sources = sourcesIn(config?.deliveryStreams)
  if (sources.length > 0) shareRule(config, context)
  for (const arn of sources) if (!regionRule(config, arn, context)) return
}

function shareRule({ buffer }: Sources, context: z.core.$RefinementCtx): void {
  const share = shareOf(buffer)
  if (share === undefined || share >= SHARE_MIN) return
  context.addIssue({
    code: 'custom',
    path: ['buffer', 'maxBytes'],
    message: `leaves a delivery stream less than ${formatBytes(SHARE_MIN)} (maxBytes × perStreamShare), and a read of a Kinesis shard may need as much; raise either`,
  })
}

/** AWS has a data stream in the region of its ARN alone. False after a problem: one is enough. */
function regionRule({ kinesis }: Sources, arn: string, context: z.core.$RefinementCtx): boolean {
  const [, , , region] = arn.split(':')
  if (region === undefined || kinesis?.endpoint !== undefined || typeof kinesis?.region !== 'string')
    return true
  if (kinesis.region === region) return true
  context.addIssue({
    code: 'custom',
    path: ['kinesis', 'region'],
    message: `is not the region of ${arn}; leave it out, unless "endpoint" names a Kinesis that has all of them`,
  })
  return false
}

/** ARNs of the data streams that declared delivery streams read, whatever stands there. */
function sourcesIn(deliveryStreams: unknown): string[] {
  if (!Array.isArray(deliveryStreams)) return []
  return deliveryStreams.flatMap((declaration: unknown) => {
    if (member(declaration, 'DeliveryStreamType') !== 'KinesisStreamAsSource') return []
    const arn = member(member(declaration, 'KinesisStreamSourceConfiguration'), 'KinesisStreamARN')
    return [typeof arn === 'string' ? arn : '']
  })
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/** Records delivered as they are: encoded in a format of compression, and read back by a decoder that we did not write. */
import { readFile } from 'node:fs/promises'
import { expect } from 'vitest'
import type { Compression } from '../../../src/domain/delivery-stream.ts'
import { RAW } from '../../../src/domain/plan.ts'
import type { EncodeInput, Encoded } from '../../../src/domain/ports.ts'
import { inputOf, type Batch } from './encoding.ts'

export const compressions = [
  'UNCOMPRESSED',
  'GZIP',
  'ZIP',
  'Snappy',
  'HADOOP_SNAPPY',
] as const satisfies readonly Compression[]

/** How Firehose names and marks objects, seen on the real service. */
export const namings: Readonly<Record<Compression, { extension: string; contentEncoding?: string }>> = {
  UNCOMPRESSED: { extension: '' },
  GZIP: { extension: '.gz', contentEncoding: 'gzip' },
  ZIP: { extension: '.zip', contentEncoding: 'zip' },
  Snappy: { extension: '.snappy', contentEncoding: 'snappy-java' },
  HADOOP_SNAPPY: { extension: '.snappy', contentEncoding: 'hadoop-snappy' },
}

export type RawBatch = Omit<Batch, 'columns'>

export function rawInputOf(batch: RawBatch, compression: Compression): EncodeInput {
  const { plan, ...rest } = inputOf({ columns: [['a', 'string']], ...batch })
  const destination = { bucket: 'lake', prefix: '', errorOutputPrefix: '', compression }
  return { ...rest, plan: { version: plan.version, ...RAW, destination } }
}

/** The bytes of the one object that a batch makes. */
export async function bytesOf({ objects }: Encoded): Promise<Buffer> {
  const [object, ...others] = objects
  expect(others).toEqual([])
  if (object === undefined) throw new Error('there is no object')
  if (object.body.bytes !== undefined) return Buffer.from(object.body.bytes)
  const bytes = await readFile(object.body.path)
  expect(bytes.length).toBe(object.body.length)
  return bytes
}

/** What a start says of roles that nobody has, and of a buffer that is too small for a shard. */
import { expect, test } from 'vitest'
import type { Role } from '../../src/config/roles.ts'
import type { Config } from '../../src/config/schema.ts'
import { parseConfig } from '../../src/config/file.ts'
import type { DeliveryStream } from '../../src/domain/delivery-stream.ts'
import { tellUnattended } from '../../src/wiring/unattended.ts'
import { keepingLog } from '../support/log-lines.ts'

const orders = { name: 'orders', kinesis: { streamArn: 'arn' }, destination: {} } as DeliveryStream
const clicks = { name: 'clicks', destination: {} } as DeliveryStream

function load(text: string): Config {
  const loaded = parseConfig(text, {})
  if (loaded.kind === 'refused') throw new Error('the configuration is wrong')
  return loaded.config
}

/** Warnings of a start. */
function told(text: string, roles: readonly Role[], streams: readonly DeliveryStream[]) {
  const { log, lines } = keepingLog()
  tellUnattended({ config: load(text), roles: new Set(roles), streams, log })
  return lines.map(({ level, message, fields }) => ({ level, message, ...fields }))
}

test('with the embedded store a data stream that no role reads is told, and so are records that no role delivers', () => {
  expect(told('', ['api', 'delivery'], [clicks, orders])).toEqual([
    {
      level: 'warn',
      message: 'role kinesis was left out, and no other process of the embedded store can have it',
      deliveryStreams: ['orders'],
      hint: expect.stringContaining('add kinesis to --roles') as string,
    },
  ])
  expect(told('', ['kinesis'], [orders])).toMatchObject([
    { message: 'role delivery was left out, and no other process of the embedded store can have it' },
  ])
  expect(told('', ['api', 'delivery'], [clicks])).toEqual([])
  expect(told('', ['api', 'delivery', 'kinesis'], [clicks, orders])).toEqual([])
})

test('with Redis another process may have the role, so nothing is told', () => {
  expect(told('buffer: { type: redis }', ['api'], [orders])).toEqual([])
})

test('a delivery stream made through the API may need a larger buffer than the configuration gives', () => {
  const small = 'buffer: { type: redis, maxBytes: 100MiB }'
  expect(told(small, ['api'], [clicks, orders])).toMatchObject([
    {
      message: 'buffer was found too small for some reads of a shard',
      deliveryStreams: ['orders'],
      shareBytes: 50 * 2 ** 20,
    },
  ])
  expect(told(small, ['api'], [clicks])).toEqual([])
})

test('a buffer whose share no batch of a partitioned stream fits into is told', () => {
  const partitioned = { name: 'visits', destination: { partitioning: { objectBytes: 1 } } } as DeliveryStream
  const small = 'buffer: { maxBytes: 1GiB }'
  expect(told(small, ['api', 'delivery', 'kinesis'], [clicks, partitioned])).toEqual([
    {
      level: 'warn',
      message: 'buffer was found too small for batches with dynamic partitioning',
      deliveryStreams: ['visits'],
      shareBytes: 2 ** 29,
      neededBytes: 2 ** 30,
      hint: expect.stringContaining('buffer.partitionedBatchBytes') as string,
    },
  ])
  expect(told(small, ['api', 'delivery', 'kinesis'], [clicks])).toEqual([])
  expect(told('', ['api', 'delivery', 'kinesis'], [partitioned])).toEqual([])
})

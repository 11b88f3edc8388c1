/** Extensions are a part of the declaration of their stream, but for what only its creation can decide. */
import { expect, test } from 'vitest'
import { applyDeclarations, type DeclarationsOptions } from '../../src/receive/declarations.ts'
import { declarationHash } from '../../src/receive/declare.ts'
import type { Extensions } from '../../src/receive/extensions.ts'
import { CONVERSION } from '../support/api-inputs.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { keepingLog } from '../support/log-lines.ts'
import { MemoryStore } from '../support/memory-store.ts'

const context = { region: 'eu-west-1', accountId: '111122223333', limits: 'aws' as const }

function clicks(dataStream = 'clicks', members: object = {}) {
  return {
    DeliveryStreamName: 'clicks-to-s3',
    DeliveryStreamType: 'KinesisStreamAsSource',
    KinesisStreamSourceConfiguration: {
      KinesisStreamARN: `arn:aws:kinesis:eu-west-1:111122223333:stream/${dataStream}`,
    },
    ExtendedS3DestinationConfiguration: {
      BucketARN: 'arn:aws:s3:::lake',
      DataFormatConversionConfiguration: CONVERSION,
    },
    ...members,
  }
}

const orders = {
  DeliveryStreamName: 'orders',
  ExtendedS3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::lake', Prefix: 'a/' },
}

function setUp() {
  const store = new MemoryStore()
  const clock = new FakeClock()
  const { log, lines } = keepingLog()
  const start = (
    declarations: readonly unknown[],
    extensions?: Extensions,
    more: Partial<DeclarationsOptions> = {},
  ) =>
    applyDeclarations({
      declarations,
      registry: store.registry,
      context,
      clock,
      log,
      ...(extensions === undefined ? {} : { extensions }),
      ...more,
    })
  const stored = (name = 'clicks-to-s3') => {
    const stream = store.streams.get(name)
    if (stream === undefined) throw new Error(`${name} is not there`)
    return stream
  }
  /** Messages of the warnings since they were last asked for. */
  const warnings = () =>
    lines
      .splice(0)
      .filter(({ level }) => level === 'warn')
      .map(({ message }) => message)
  return { store, clock, start, stored, warnings }
}

test('a declaration without an extension keeps the hash that it always had', () => {
  const hash = '739c474341509e667efa368f4c34f79902bed68472da1681fe1a1eaaa2ab4e6e'
  expect(declarationHash(orders)).toBe(hash)
  expect(declarationHash(orders, { outOfRangeRecords: 'keep' })).not.toBe(hash)
})

test('an extension makes its stream, and changes nothing at the next start', async () => {
  const { start, stored, warnings } = setUp()
  const extensions: Extensions = {
    'clicks-to-s3': {
      startingPosition: 'TRIM_HORIZON',
      outOfRangeRecords: 'drop',
      metadataColumns: { shardId: 'shard' },
    },
  }
  await start([clicks()], extensions)
  const created = stored()
  expect(created.kinesis).toMatchObject({ start: 'TRIM_HORIZON', outOfRangeRecords: 'drop' })
  expect(created.destination.conversion?.metadataColumns).toEqual([{ field: 'shardId', name: 'shard' }])
  await start([clicks()], extensions)
  expect(stored()).toEqual(created)
  expect(warnings()).toEqual([])
})

test('a changed extension acts once, like a changed declaration', async () => {
  const { start, stored, warnings } = setUp()
  const old: Extensions = { 'clicks-to-s3': { metadataColumns: { shardId: 'shard' } } }
  const newer: Extensions = {
    'clicks-to-s3': { metadataColumns: { shardId: 'kinesis_shard' }, outOfRangeRecords: 'drop' },
  }
  await start([clicks()], old)
  await start([clicks()], newer)
  const changed = stored()
  expect(changed.version).toBe(2)
  expect(changed.kinesis?.outOfRangeRecords).toBe('drop')
  expect(changed.destination.conversion?.metadataColumns).toEqual([
    { field: 'shardId', name: 'kinesis_shard' },
  ])
  expect(warnings()).toEqual([])
  await start([clicks()], old)
  expect(stored()).toEqual(changed)
  expect(warnings()).toEqual(['declaration was superseded by a later one and was not applied again'])
})

test('an extension that is taken out takes its columns out', async () => {
  const { start, stored } = setUp()
  await start([clicks()], { 'clicks-to-s3': { metadataColumns: { shardId: 'shard' } } })
  await start([clicks()])
  expect(stored().destination.conversion).not.toHaveProperty('metadataColumns')
  expect(stored().version).toBe(2)
})

test('an empty extension is none', async () => {
  const { start, stored } = setUp()
  await start([clicks()])
  const created = stored()
  await start([clicks()], { 'clicks-to-s3': { metadataColumns: {} } })
  expect(stored()).toEqual(created)
})

test('reading begins where it began: another starting position is told at each start and changes nothing', async () => {
  const { start, stored, warnings, clock } = setUp()
  await start([clicks()])
  const begin = `AT_TIMESTAMP:${stored().createdAtMs}`
  await clock.advance(60_000)
  const changed: Extensions = { 'clicks-to-s3': { startingPosition: 'TRIM_HORIZON' } }
  for (let turn = 0; turn < 2; turn += 1) {
    await start([clicks()], changed)
    expect(stored().kinesis?.start).toBe(begin)
    expect(stored().version).toBe(1)
    expect(warnings()).toEqual(['starting position was not changed'])
  }
  await start([clicks()], { 'clicks-to-s3': { startingPosition: 'LATEST' } })
  expect(warnings()).toEqual([])
})

test('a changed destination leaves the source as it was', async () => {
  const { start, stored, clock } = setUp()
  await start([clicks()])
  const before = stored()
  await clock.advance(60_000)
  const destination = { BucketARN: 'arn:aws:s3:::pond' }
  await start([clicks('clicks', { ExtendedS3DestinationConfiguration: destination })])
  const after = stored()
  expect(after.destination.bucket).toBe('pond')
  expect(after.version).toBe(2)
  expect(after.kinesis).toEqual(before.kinesis)
  expect(after.source).toEqual(before.source)
})

test.each([
  [
    clicks('other'),
    'clicks-to-s3 was created as KinesisStreamAsSource of arn:aws:kinesis:eu-west-1:111122223333:stream/clicks and is declared as KinesisStreamAsSource of arn:aws:kinesis:eu-west-1:111122223333:stream/other',
  ],
  [
    { ...orders, DeliveryStreamName: 'clicks-to-s3' },
    'clicks-to-s3 was created as KinesisStreamAsSource of arn:aws:kinesis:eu-west-1:111122223333:stream/clicks and is declared as DirectPut',
  ],
])('a changed source is refused before anything is changed (%#)', async (changed, sentence) => {
  const { start, stored } = setUp()
  await start([clicks()])
  const before = stored()
  const again = start([{ ...orders, DeliveryStreamName: 'new' }, changed])
  await expect(again).rejects.toThrow(
    `declare delivery streams:\ndeliveryStreams[1]: ${sentence}; a source cannot be changed: delete the delivery stream with DeleteDeliveryStream, which drops what it has not delivered, or declare this one under another name`,
  )
  expect(stored()).toEqual(before)
  expect(() => stored('new')).toThrow('new is not there')
})

test('a changed role of the source is no other source', async () => {
  const { start, stored } = setUp()
  await start([clicks()])
  const source = { ...clicks().KinesisStreamSourceConfiguration, RoleARN: 'arn:aws:iam::111122223333:role/x' }
  await start([clicks('clicks', { KinesisStreamSourceConfiguration: source })])
  expect(stored().version).toBe(1)
})

test('a source may change when its stream is being deleted', async () => {
  const { store, start, stored } = setUp()
  await start([clicks()])
  store.streams.set('clicks-to-s3', { ...stored(), status: 'DELETING' })
  await start([clicks('other')])
  expect(stored().kinesis?.streamArn).toContain('stream/other')
})

test('what a stream cannot have of its extension refuses the start', async () => {
  const { store, start } = setUp()
  await expect(start([orders], { orders: { startingPosition: 'TRIM_HORIZON' } })).rejects.toThrow(
    'deliveryStreams[0]: extensions.orders.startingPosition: needs DeliveryStreamType KinesisStreamAsSource',
  )
  const columns = [{ name: 'shard', type: 'string' }]
  await expect(
    start(
      [clicks()],
      { 'clicks-to-s3': { metadataColumns: { shardId: 'shard' } } },
      {
        resolveColumns: () => Promise.resolve(columns),
      },
    ),
  ).rejects.toThrow('extensions.clicks-to-s3.metadataColumns.shardId: the table has a column "shard" already')
  expect(store.streams.size).toBe(0)
})

test('an extension that no stream gets is told', async () => {
  const { start, warnings } = setUp()
  await start([], { later: { outOfRangeRecords: 'drop' }, nothing: {} })
  expect(warnings()).toEqual(['extension was given to no delivery stream, because there is none of its name'])
})

test('the extension of a stream that is there and not declared is told when the stream is another', async () => {
  const { store, start, stored, warnings } = setUp()
  await start([clicks()], { 'clicks-to-s3': { outOfRangeRecords: 'drop' } })
  // As CreateDeliveryStream leaves it.
  store.streams.set('clicks-to-s3', { ...stored(), declarations: [] })
  await start([], { 'clicks-to-s3': { outOfRangeRecords: 'drop' } })
  expect(warnings()).toEqual([])
  await start([], { 'clicks-to-s3': { outOfRangeRecords: 'keep' } })
  expect(warnings()).toEqual([
    'extension was not applied, because its delivery stream is there and is not declared',
  ])
  expect(stored().kinesis?.outOfRangeRecords).toBe('drop')
})

/**
 * G1, G3: many processes on one stream: nothing lost, nothing twice, each writer's order kept, one seal a batch; and no change
 * of its definition is lost to another.
 */
import { expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import type { Registry, Store } from '../../src/domain/ports.ts'
import { applyDeclarations } from '../../src/receive/declarations.ts'
import { declarationHash } from '../../src/receive/declare.ts'
import { freshPrefix, openTestStore, redisOfFile, sealedRecords } from '../support/redis-store.ts'
import { expectBalanced, frameOf, streamOf } from '../conformance/store/fixture.ts'

const STORES = 8
const APPENDS = 60

const file = redisOfFile()

test('eight stores append to one stream while their sealers race', async () => {
  const keyPrefix = freshPrefix()
  let time = 1_790_000_000_000
  // Time passes by being looked at, so that batches come due all the while.
  const now = (): number => (time += 1)
  const stream = streamOf({ bytes: 400, intervalMs: 7 })
  const stores: Store[] = []
  for (let index = 0; index < STORES; index += 1) {
    stores.push(
      await openTestStore({ url: file.redis.url, keyPrefix, maxBytes: 1e9, holder: `process ${index}`, now }),
    )
  }
  await stores[0]?.registry.create(stream)
  const seals = { bySize: 0, byInterval: new Array<string>() }
  const writing = new Set(stores)
  const write = async (store: Store, writer: number): Promise<void> => {
    for (let sequence = 1; sequence <= APPENDS; sequence += 1) {
      const frames = ['a', 'b', 'c'].map((part) =>
        frameOf([`${writer} ${sequence}${part} ${'.'.repeat(writer * 8)}`]),
      )
      const answer = await store.buffer.append(stream, frames, { epoch: `writer ${writer}`, sequence })
      if (answer.kind !== 'appended') throw new Error(`append: ${answer.kind}`)
      seals.bySize += answer.sealed
    }
    writing.delete(store)
  }
  const seal = async (store: Store): Promise<void> => {
    while (writing.size > 0) {
      const answer = await store.buffer.sealDue(stream)
      if (answer.kind === 'sealed') seals.byInterval.push(answer.batch.batchId)
    }
  }
  await Promise.all(stores.flatMap((store, index) => [write(store, index), seal(store)]))
  const [store] = stores
  if (store === undefined) throw new Error('no store')
  time += 1000
  const last = await store.buffer.sealDue(stream)
  if (last.kind === 'sealed') seals.byInterval.push(last.batch.batchId)

  const batches = await store.buffer.sealed(stream, 10_000)
  expect(new Set(batches.map((batch) => batch.batchId)).size).toBe(batches.length)
  expect(new Set(seals.byInterval).size).toBe(seals.byInterval.length)
  expect(seals.bySize).toBeGreaterThan(0)
  expect(seals.byInterval.length).toBeGreaterThan(0)
  expect(seals.bySize + seals.byInterval.length).toBe(batches.length)

  const records = await sealedRecords(store, stream)
  for (let writer = 0; writer < STORES; writer += 1) {
    const own = records
      .filter((record) => record.startsWith(`${writer} `))
      .map((record) => record.split(' ')[1])
    const expected = Array.from({ length: APPENDS }, (_, index) =>
      ['a', 'b', 'c'].map((part) => `${index + 1}${part}`),
    )
    expect(own).toEqual(expected.flat())
  }
  expect(await expectBalanced(store, stream)).toMatchObject({
    accepted: STORES * APPENDS * 3,
    sealedBatches: batches.length,
  })
})

test('processes that declare a stream at once, while it is tagged, lose none of it to each other', async () => {
  const keyPrefix = freshPrefix()
  const registries: Registry[] = []
  for (let index = 0; index < STORES; index += 1)
    registries.push((await openTestStore({ url: file.redis.url, keyPrefix, maxBytes: 1e9 })).registry)
  const declarations = registries.map((_, index) => ({
    DeliveryStreamName: 'orders',
    ExtendedS3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::lake' },
    Tags: [{ Key: 'file', Value: `${index}` }],
  }))
  const tag = async (registry: Registry, index: number): Promise<void> => {
    const stored = await registry.get('orders')
    const tags = [...(stored?.tags ?? []), { Key: `by process ${index}` }]
    if (stored === undefined || (await registry.replace({ ...stored, tags })) !== 'replaced')
      await tag(registry, index)
  }
  await Promise.all(
    registries.flatMap((registry, index) => [
      applyDeclarations({
        declarations: [declarations[index]],
        registry,
        context: { region: 'eu-west-1', accountId: '111122223333', limits: 'aws' },
        clock: { now: () => 1_790_000_000_000 },
        log: createLog('silent'),
      }),
      tag(registry, index),
    ]),
  )
  const stored = await registries[0]?.get('orders')
  expect(stored?.declarations.toSorted()).toEqual(
    declarations.map((each) => declarationHash(each)).toSorted(),
  )
  const tagged = (stored?.tags ?? []).flatMap(({ Key }) => (Key.startsWith('by process ') ? [Key] : []))
  expect(tagged.toSorted()).toEqual(registries.map((_, index) => `by process ${index}`))
  expect(stored).toMatchObject({ version: 1, revision: 2 * STORES })
})

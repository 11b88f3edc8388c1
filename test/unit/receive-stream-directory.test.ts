import { expect, test } from 'vitest'
import { BufferUnavailableError } from '../../src/domain/errors.ts'
import { definitionFrom } from '../../src/receive/definition.ts'
import { createStreamDirectory } from '../../src/receive/stream-directory.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { MemoryStore } from '../support/memory-store.ts'

function stream(incarnation: string) {
  return definitionFrom(
    { DeliveryStreamName: 'orders', S3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::lake' } },
    {
      region: 'us-east-1',
      accountId: '000000000000',
      limits: 'aws',
      roleOptional: true,
      incarnation,
      nowMs: 0,
    },
  )
}

function setUp() {
  const store = new MemoryStore()
  const clock = new FakeClock()
  return { store, clock, directory: createStreamDirectory({ registry: store.registry, clock }) }
}

test('a name is looked up once a second, by one question at a time', async () => {
  const { store, clock, directory } = setUp()
  store.streams.set('orders', stream('a'))
  const found = await Promise.all([
    directory.find('orders'),
    directory.find('orders'),
    directory.find('orders'),
  ])
  expect(found.map((each) => each?.incarnation)).toEqual(['a', 'a', 'a'])
  expect(store.lookups).toBe(1)
  await clock.advance(999)
  await directory.find('orders')
  expect(store.lookups).toBe(1)
  await clock.advance(1)
  await directory.find('orders')
  expect(store.lookups).toBe(2)
})

test('what was forgotten is asked anew, even while an old answer is on its way', async () => {
  const { store, directory } = setUp()
  store.streams.set('orders', stream('a'))
  const old = directory.find('orders')
  directory.forget('orders')
  store.streams.set('orders', stream('b'))
  await old
  expect((await directory.find('orders'))?.incarnation).toBe('b')
})

test('a name that is not there is believed absent only for a moment', async () => {
  const { store, clock, directory } = setUp()
  expect(await directory.find('orders')).toBeUndefined()
  store.streams.set('orders', stream('a'))
  expect(await directory.find('orders')).toBeUndefined()
  await clock.advance(100)
  expect((await directory.find('orders'))?.incarnation).toBe('a')
})

test('while the store is unreachable what is known is still answered, what is not known is not', async () => {
  const { store, clock, directory } = setUp()
  store.streams.set('orders', stream('a'))
  await directory.find('orders')
  store.unreachable = true
  await clock.advance(60_000)
  expect((await directory.find('orders'))?.incarnation).toBe('a')
  await expect(directory.find('clicks')).rejects.toBeInstanceOf(BufferUnavailableError)
})

test('names that nobody has do not fill the memory', async () => {
  const { store, directory } = setUp()
  store.streams.set('orders', stream('a'))
  await directory.find('orders')
  for (let index = 0; index < 10_000; index += 1) await directory.find(`none-${index}`)
  const before = store.lookups
  await directory.find('orders')
  expect(store.lookups).toBe(before + 1)
})

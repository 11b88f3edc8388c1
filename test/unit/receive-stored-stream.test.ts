/** A change of a stored stream is decided anew whenever something came between; and what a caller may make a stream use. */
import { expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import type { DeliveryStream } from '../../src/domain/delivery-stream.ts'
import { BufferUnavailableError, ClientError } from '../../src/domain/errors.ts'
import { applyDeclarations } from '../../src/receive/declarations.ts'
import type { Api, Call } from '../../src/receive/http/api.ts'
import { createDeliveryStream } from '../../src/receive/http/operations/create-delivery-stream.ts'
import { updateDestination } from '../../src/receive/http/operations/update-destination.ts'
import { changeStream } from '../../src/receive/http/stored-stream.ts'
import { createStreamDirectory } from '../../src/receive/stream-directory.ts'
import { streamOf } from '../conformance/store/fixture.ts'
import { createInput, ROLE_ARN } from '../support/api-inputs.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { MemoryStore } from '../support/memory-store.ts'

function setUp(changes: Partial<Api> = {}) {
  const store = new MemoryStore()
  const clock = new FakeClock()
  const { registry } = store
  const api: Api = {
    accept: () => Promise.reject(new Error('nothing is put here')),
    directory: createStreamDirectory({ registry, clock }),
    registry,
    region: 'us-east-1',
    accountId: '000000000000',
    limits: 'aws',
    clock,
    log: createLog('silent'),
    background: () => undefined,
    ...changes,
  }
  return { store, api }
}

/** What comes between the look at a stream and its change, once. */
function between(api: Api, act: () => void): Api {
  let acted = false
  const replace: Api['registry']['replace'] = async (stream) => {
    if (!acted) act()
    acted = true
    return api.registry.replace(stream)
  }
  return { ...api, registry: { ...api.registry, replace } }
}

const tagged = (stored: DeliveryStream): DeliveryStream => ({
  ...stored,
  tags: [...(stored.tags ?? []), { Key: 'mine' }],
})

test('a change that came between is kept', async () => {
  const { store, api } = setUp()
  store.streams.set('orders', streamOf())
  const raced = between(api, () =>
    store.streams.set('orders', { ...streamOf({ revision: 2 }), tags: [{ Key: 'its' }] }),
  )
  await changeStream('orders', raced, tagged)
  expect(store.streams.get('orders')?.tags).toEqual([{ Key: 'its' }, { Key: 'mine' }])
  expect(store.streams.get('orders')?.revision).toBe(3)
})

test('a stream that was deleted meanwhile is not found; one that was made again is the one that is changed', async () => {
  const { store, api } = setUp()
  store.streams.set('orders', streamOf())
  const deleted = between(api, () => store.streams.delete('orders'))
  await expect(changeStream('orders', deleted, tagged)).rejects.toMatchObject({
    type: 'ResourceNotFoundException',
  })
  store.streams.set('orders', streamOf())
  const again = streamOf({ incarnation: 'b'.repeat(16) })
  await changeStream(
    'orders',
    between(api, () => store.streams.set('orders', again)),
    tagged,
  )
  expect(store.streams.get('orders')).toEqual({ ...again, tags: [{ Key: 'mine' }], revision: 2 })
})

test('after a change whose answer was lost, puts ask the registry again', async () => {
  const { store, api } = setUp()
  store.streams.set('orders', streamOf())
  expect((await api.directory.find('orders'))?.tags).toBeUndefined()
  const replace: Api['registry']['replace'] = async (stream) => {
    await api.registry.replace(stream)
    throw new BufferUnavailableError('replace orders: the answer was lost')
  }
  const lossy = { ...api, registry: { ...api.registry, replace } }
  await expect(changeStream('orders', lossy, tagged)).rejects.toBeInstanceOf(BufferUnavailableError)
  expect((await api.directory.find('orders'))?.tags).toEqual([{ Key: 'mine' }])
})

function callOf(input: unknown, allowed: (resource: string) => boolean) {
  const asked: string[] = []
  const check = (resource: string): void => {
    asked.push(resource)
    if (!allowed(resource)) throw new ClientError('AccessDeniedException', `no ${resource}`)
  }
  const caller: Call['caller'] = {
    authorize: (action, resource) => check(`${action} ${resource}`),
    reach: check,
  }
  return { asked, call: { caller, input, plain: true } satisfies Call }
}

const WITH_BACKUP = {
  S3BackupMode: 'Enabled',
  S3BackupConfiguration: { RoleARN: `${ROLE_ARN}-backup`, BucketARN: 'arn:aws-cn:s3:::attic' },
}

test('a created stream asks for its buckets and its data stream; for its tags, and for roles where they are assumed', async () => {
  const input = {
    ...createInput('orders', WITH_BACKUP),
    DeliveryStreamType: 'KinesisStreamAsSource',
    KinesisStreamSourceConfiguration: {
      KinesisStreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/clicks',
      RoleARN: ROLE_ARN,
    },
  }
  const plain = callOf(input, () => true)
  await createDeliveryStream(plain.call, setUp().api)
  expect(plain.asked).toEqual([
    'arn:aws:s3:::lake',
    'arn:aws:s3:::attic',
    'arn:aws:kinesis:us-east-1:000000000000:stream/clicks',
  ])
  const assuming = callOf({ ...createInput('orders', WITH_BACKUP), Tags: [{ Key: 'a' }] }, () => true)
  await createDeliveryStream(assuming.call, setUp({ assumeRoles: true }).api)
  expect(assuming.asked).toEqual([
    'firehose:TagDeliveryStream arn:aws:firehose:us-east-1:000000000000:deliverystream/orders',
    'arn:aws:s3:::lake',
    ROLE_ARN,
    'arn:aws:s3:::attic',
    `${ROLE_ARN}-backup`,
  ])
})

test('what a caller may not reach is neither created nor updated to', async () => {
  const { store, api } = setUp()
  const lakeOnly = (resource: string): boolean => resource === 'arn:aws:s3:::lake'
  const denied = { type: 'AccessDeniedException', message: 'no arn:aws:s3:::attic' }
  const created = callOf(createInput('orders', WITH_BACKUP), lakeOnly)
  await expect(createDeliveryStream(created.call, api)).rejects.toMatchObject(denied)
  expect(store.streams.size).toBe(0)
  await createDeliveryStream(callOf(createInput('orders'), lakeOnly).call, api)
  const before = store.streams.get('orders')
  const update = {
    DeliveryStreamName: 'orders',
    CurrentDeliveryStreamVersionId: '1',
    DestinationId: 'destinationId-000000000001',
    ExtendedS3DestinationUpdate: { BucketARN: 'arn:aws:s3:::attic' },
  }
  await expect(updateDestination(callOf(update, lakeOnly).call, api)).rejects.toMatchObject(denied)
  expect(store.streams.get('orders')).toBe(before)
})

test('a declared stream that was updated through the API stays so when the process starts again', async () => {
  const { store, api } = setUp()
  const start = () =>
    applyDeclarations({
      declarations: [createInput('orders', { Prefix: 'declared/' })],
      registry: store.registry,
      context: api,
      clock: api.clock,
      log: api.log,
    })
  await start()
  const update = {
    DeliveryStreamName: 'orders',
    CurrentDeliveryStreamVersionId: '1',
    DestinationId: 'destinationId-000000000001',
    ExtendedS3DestinationUpdate: { Prefix: 'updated/' },
  }
  await updateDestination(callOf(update, () => true).call, api)
  const [stream] = await start()
  expect(stream?.destination.prefix).toBe('updated/')
  expect(stream?.version).toBe(2)
})

/** Two API servers on one store, of each kind: no change of a delivery stream is lost to another. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  ListTagsForDeliveryStreamCommand,
  StartDeliveryStreamEncryptionCommand,
  StopDeliveryStreamEncryptionCommand,
  TagDeliveryStreamCommand,
  UntagDeliveryStreamCommand,
  UpdateDestinationCommand,
  type CreateDeliveryStreamCommandInput,
  type FirehoseClient,
} from '@aws-sdk/client-firehose'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/domain/ports.ts'
import { createStreamDirectory } from '../../src/receive/stream-directory.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { openLmdbStore } from '../../src/store/lmdb/store.ts'
import { createInput } from '../support/api-inputs.ts'
import { firehoseClient, serveApi } from '../support/api-server.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { freshPrefix, openTestStore } from '../support/redis-store.ts'

const DeliveryStreamName = 'orders'
const DestinationId = 'destinationId-000000000001'

/** Clients of two servers, and one stream. */
async function setUp(open: () => Promise<readonly [Store, Store]>): Promise<FirehoseClient[]> {
  const clients: FirehoseClient[] = []
  for (const { registry } of await open()) {
    const directory = createStreamDirectory({ registry, clock: systemClock })
    const served = await serveApi({ registry, directory })
    const client = firehoseClient(served.url)
    onTestFinished(async () => {
      client.destroy()
      await served.stop()
    })
    clients.push(client)
  }
  const input = createInput(DeliveryStreamName) as unknown as CreateDeliveryStreamCommandInput
  await clients[0]?.send(new CreateDeliveryStreamCommand(input))
  return clients
}

/** One process opens the embedded store, so its servers share it. */
async function lmdb(): Promise<readonly [Store, Store]> {
  const folder = mkdtempSync(join(tmpdir(), 'hydrant-control-plane-'))
  const store = await openLmdbStore({
    path: join(folder, 'buffer'),
    maxBytes: 64 * 2 ** 20,
    perStreamShare: 0.5,
    clock: systemClock,
    holder: 'test',
  })
  onTestFinished(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  return [store, store]
}

async function redis(): Promise<readonly [Store, Store]> {
  const server = await startRedisServer()
  onTestFinished(() => server.stop())
  const options = { url: server.url, keyPrefix: freshPrefix(), maxBytes: 1e9 }
  return [await openTestStore(options), await openTestStore({ ...options, holder: 'other' })]
}

/** Each call by another of the clients, all at once. */
async function atOnce(
  clients: readonly FirehoseClient[],
  count: number,
  call: (client: FirehoseClient, index: number) => Promise<unknown>,
): Promise<string[]> {
  const calls = Array.from({ length: count }, async (_, index) => {
    const client = clients[index % clients.length]
    if (client === undefined) throw new Error('no client')
    return call(client, index)
  })
  const settled = await Promise.allSettled(calls)
  return settled.map((result) =>
    result.status === 'fulfilled' ? 'done' : result.reason instanceof Error ? result.reason.name : 'unknown',
  )
}

const tag = (client: FirehoseClient, Key: string) =>
  client.send(new TagDeliveryStreamCommand({ DeliveryStreamName, Tags: [{ Key }] }))

async function tagKeys([client]: readonly FirehoseClient[]): Promise<(string | undefined)[] | undefined> {
  const listed = await client?.send(new ListTagsForDeliveryStreamCommand({ DeliveryStreamName }))
  return listed?.Tags?.map(({ Key }) => Key)
}

async function described(client: FirehoseClient | undefined) {
  const answer = await client?.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName }))
  return answer?.DeliveryStreamDescription
}

const update = (client: FirehoseClient, version: string | undefined, Prefix: string) =>
  client.send(
    new UpdateDestinationCommand({
      DeliveryStreamName,
      DestinationId,
      CurrentDeliveryStreamVersionId: version,
      ExtendedS3DestinationUpdate: { Prefix },
    }),
  )

/** Describes and updates until nobody came between, as Terraform's users do by hand. */
async function updateInTurn(client: FirehoseClient, Prefix: string): Promise<void> {
  for (;;) {
    const stream = await described(client)
    try {
      await update(client, stream?.VersionId, Prefix)
      return
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ConcurrentModificationException') throw error
    }
  }
}

function timesOf(outcomes: readonly string[], outcome: string): number {
  return outcomes.filter((name) => name === outcome).length
}

describe.each([
  ['lmdb', lmdb],
  ['redis', redis],
])('%s', (_name, open) => {
  test('of tags that are added and taken away at once each counts', { timeout: 60_000 }, async () => {
    const clients = await setUp(open)
    await atOnce(clients, 10, (client, index) => tag(client, `old${index}`))
    const outcomes = await atOnce(clients, 40, (client, index) =>
      index % 4 === 0
        ? client.send(new UntagDeliveryStreamCommand({ DeliveryStreamName, TagKeys: [`old${index / 4}`] }))
        : tag(client, `new${100 + index}`),
    )
    expect(timesOf(outcomes, 'done')).toBe(40)
    const left = Array.from({ length: 40 }, (_, index) => index).filter((index) => index % 4 !== 0)
    expect(await tagKeys(clients)).toEqual(left.map((index) => `new${100 + index}`))
  })

  test('of updates to one version one is made, the others are told', { timeout: 60_000 }, async () => {
    const clients = await setUp(open)
    const outcomes = await atOnce(clients, 12, (client, index) => update(client, '1', `${index}/`))
    expect(timesOf(outcomes, 'done')).toBe(1)
    expect(timesOf(outcomes, 'ConcurrentModificationException')).toBe(11)
    const stream = await described(clients[1])
    expect(stream?.VersionId).toBe('2')
    expect(stream?.Destinations?.[0]?.ExtendedS3DestinationDescription?.Prefix).toBe(
      `${outcomes.indexOf('done')}/`,
    )
  })

  test('updates, tags and encryption at once: none undoes another', { timeout: 60_000 }, async () => {
    const clients = await setUp(open)
    const outcomes = await atOnce(clients, 24, async (client, index) => {
      if (index % 3 === 0) await updateInTurn(client, `${index}/`)
      else if (index % 3 === 1) await tag(client, `tag${100 + index}`)
      else await client.send(new StartDeliveryStreamEncryptionCommand({ DeliveryStreamName }))
    })
    expect(timesOf(outcomes, 'done')).toBe(24)
    const stream = await described(clients[1])
    expect(stream?.VersionId).toBe('9')
    expect(stream?.DeliveryStreamEncryptionConfiguration?.Status).toBe('ENABLED')
    expect(await tagKeys(clients)).toHaveLength(8)
  })

  test('changes of encryption are counted across servers', { timeout: 60_000 }, async () => {
    const clients = await setUp(open)
    const outcomes = await atOnce(clients, 30, (client, index) =>
      client.send(
        index % 3 === 0
          ? new StopDeliveryStreamEncryptionCommand({ DeliveryStreamName })
          : new StartDeliveryStreamEncryptionCommand({ DeliveryStreamName }),
      ),
    )
    expect(timesOf(outcomes, 'done')).toBe(25)
    expect(timesOf(outcomes, 'LimitExceededException')).toBe(5)
  })
})

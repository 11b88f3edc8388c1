/**
 * An installation that is fed by a data stream: a local Kinesis behind a proxy that fails, its store (with Redis, behind a
 * proxy that fails too), an S3 that keeps metadata, processes that may be killed and paused, and the oracle.
 */
import { join } from 'node:path'
import { expect } from 'vitest'
import { eventually } from './eventually.ts'
import { startFakeS3, type FakeS3 } from './fake-s3.ts'
import { startHydrant, temporaryFolder, type HydrantProcess } from './hydrant.ts'
import { startKinesisProxy, type KinesisProxy } from './kinesis-faults.ts'
import {
  createDataStream,
  kinesisCredentials,
  startKinesis,
  type KinesisServer,
  type TestDataStream,
} from './kinesis-local.ts'
import { judgeShards, type KinesisProducer, type LandedRecord } from './kinesis-producer.ts'
import { parquetRows, type Row } from './landed.ts'
import { startRedisServer } from './redis-server.ts'
import { TcpProxy } from './tcp-proxy.ts'

export type Shape = 'embedded' | 'distributed'

export const STREAM = 'orders-from-kinesis'
export const LEASE_MS = 3_000

interface KinesisWorldOptions {
  readonly shards?: number
  /** Of the faults that the Kinesis proxy draws. */
  readonly seed?: number
  readonly intervalSeconds?: number
  /** One that several worlds share, and that outlives them. Default: one of its own. */
  readonly kinesis?: KinesisServer
}

export interface KinesisWorld {
  readonly kinesis: KinesisServer
  readonly dataStream: TestDataStream
  /** Between the processes and Kinesis. */
  readonly kinesisProxy: KinesisProxy
  /** Between the processes and Redis; not there with the embedded store. */
  readonly redisProxy: TcpProxy | undefined
  readonly s3: FakeS3
  /** Ready, or dead if it was to crash. With the embedded store it has all roles, whatever is asked for. */
  start(options?: { readonly roles?: string; readonly crashAt?: string }): Promise<HydrantProcess>
  /** Rows of all objects, in the order of their batches. */
  rows(): Promise<LandedRecord[]>
  /** Orders in the error prefix, in the same order. */
  failed(): LandedRecord[]
  /** Waits until all that was produced has landed, then checks the oracle and the ledger. */
  expectAllLanded(
    process: HydrantProcess,
    producers: readonly KinesisProducer[],
    limitMs?: number,
  ): Promise<void>
  close(): Promise<void>
}

interface Addresses {
  readonly folder: string
  readonly redisUrl: string | undefined
  readonly kinesis: string
  readonly s3: string
  readonly streamArn: string
}

function configuration(addresses: Addresses, intervalSeconds: number): object {
  return {
    buffer:
      addresses.redisUrl === undefined
        ? { type: 'embedded', path: join(addresses.folder, 'buffer') }
        : { type: 'redis', url: addresses.redisUrl, maxBytes: '1GiB' },
    kinesis: {
      endpoint: addresses.kinesis,
      leaseSeconds: LEASE_MS / 1000,
      pollSeconds: 0.2,
      readsPerSecond: 20,
      accessKeyId: kinesisCredentials.accessKeyId,
      secretAccessKey: kinesisCredentials.secretAccessKey,
    },
    objectStore: {
      type: 's3',
      endpoint: addresses.s3,
      accessKeyId: 'test',
      secretAccessKey: 'test',
    },
    convert: { threads: 1, stagingPath: join(addresses.folder, 'staging') },
    catalog: {
      databases: {
        sales: {
          orders: {
            columns: [
              { name: 'order_id', type: 'string' },
              { name: 'amount', type: 'double' },
            ],
          },
        },
      },
    },
    limits: 'relaxed',
    extensions: {
      [STREAM]: {
        metadataColumns: {
          shardId: 'shard_id',
          sequenceNumber: 'sequence_number',
          subSequenceNumber: 'sub_sequence_number',
        },
      },
    },
    deliveryStreams: [
      {
        DeliveryStreamName: STREAM,
        DeliveryStreamType: 'KinesisStreamAsSource',
        KinesisStreamSourceConfiguration: { KinesisStreamARN: addresses.streamArn },
        ExtendedS3DestinationConfiguration: {
          BucketARN: 'arn:aws:s3:::lake',
          Prefix: 'orders/!{timestamp:yyyy/MM/dd}/',
          ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
          BufferingHints: { SizeInMBs: 1, IntervalInSeconds: intervalSeconds },
          DataFormatConversionConfiguration: {
            SchemaConfiguration: { DatabaseName: 'sales', TableName: 'orders' },
            InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
            OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
          },
        },
      },
    ],
  }
}

export async function createKinesisWorld(
  shape: Shape,
  { shards = 2, seed = 1, intervalSeconds = 1, kinesis: shared }: KinesisWorldOptions = {},
): Promise<KinesisWorld> {
  const folder = await temporaryFolder()
  const closers: (() => Promise<unknown>)[] = [() => folder.remove()]
  const kinesis = shared ?? (await startKinesis())
  if (shared === undefined) closers.unshift(() => kinesis.stop())
  const dataStream = await createDataStream(kinesis, { shards })
  const kinesisProxy = await startKinesisProxy(kinesis.endpoint, seed)
  closers.unshift(() => kinesisProxy.close())
  const s3 = await startFakeS3({ buckets: ['lake'] })
  closers.unshift(() => s3.close())
  let redisProxy: TcpProxy | undefined
  if (shape === 'distributed') {
    const redis = await startRedisServer({ appendonly: true, appendfsync: 'always' })
    closers.unshift(() => redis.stop())
    const proxy = await TcpProxy.start(redis.port)
    closers.unshift(() => proxy.close())
    redisProxy = proxy
  }
  const config = configuration(
    {
      folder: folder.path,
      redisUrl: redisProxy === undefined ? undefined : `redis://127.0.0.1:${redisProxy.port}`,
      kinesis: kinesisProxy.endpoint,
      s3: s3.endpoint,
      streamArn: dataStream.arn,
    },
    intervalSeconds,
  )
  const processes: HydrantProcess[] = []
  return {
    kinesis,
    dataStream,
    kinesisProxy,
    redisProxy,
    s3,
    rows: () => landedRows(s3),
    failed: () => failedRecords(s3),
    async start({ roles = 'kinesis,delivery', crashAt } = {}) {
      const started = await startHydrant({
        config,
        roles: shape === 'embedded' ? 'api,delivery,kinesis' : roles,
        folder: folder.path,
        ...(crashAt === undefined ? {} : { crashAt }),
      })
      processes.push(started)
      const ready = started.ready()
      await (crashAt === undefined ? ready : Promise.race([ready.catch(() => undefined), started.ended]))
      return started
    },
    async expectAllLanded(process, producers, limitMs = 90_000) {
      const expected = producers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
      const state = (name: string): Promise<number> =>
        process.metric('hydrant_ledger_records', { delivery_stream: STREAM, state: name })
      await eventually(async () => {
        expect(await state('accepted')).toBeGreaterThanOrEqual(expected)
        expect(await state('pending')).toBe(0)
      }, limitMs)
      const [landedInOrder, failed] = [await landedRows(s3), failedRecords(s3)]
      expect(judgeShards(producers, landedInOrder, failed)).toEqual([])
      expect(await state('delivered')).toBe(landedInOrder.length)
      expect(await state('failed')).toBe(failed.length)
      expect(await state('accepted')).toBe(landedInOrder.length + failed.length)
    },
    async close() {
      for (const process of processes) {
        if (process.hasEnded) continue
        process.child.kill('SIGCONT')
        await process.kill()
      }
      for (const close of closers) await close()
    },
  }
}

/** Keys of a kind of objects in the order of their batches, which their metadata names. */
function keysInOrder(s3: FakeS3, prefix: string): string[] {
  const sequence = (key: string): number =>
    Number(s3.object('lake', key)?.metadata['hydrant-sequence'] ?? Number.NaN)
  const keys = s3.keys('lake').filter((key) => key.startsWith(prefix))
  for (const key of keys) if (Number.isNaN(sequence(key))) throw new Error(`${key} has no batch sequence`)
  return keys.toSorted((a, b) => sequence(a) - sequence(b))
}

function bytesOf(s3: FakeS3, key: string): Buffer {
  return Buffer.from(s3.object('lake', key)?.bytes ?? [])
}

async function landedRows(s3: FakeS3): Promise<LandedRecord[]> {
  const records: LandedRecord[] = []
  for (const key of keysInOrder(s3, 'orders/')) {
    for (const row of await parquetRows({ key, bytes: bytesOf(s3, key) })) records.push(recordOf(row))
  }
  return records
}

function recordOf(row: Row): LandedRecord {
  const sub = row['sub_sequence_number']
  return {
    id: String(row['order_id']),
    shardId: String(row['shard_id']),
    sequenceNumber: String(row['sequence_number']),
    subSequence: sub === null || sub === undefined ? undefined : Number(sub),
  }
}

interface ErrorLine {
  readonly rawData: string
  readonly sequenceNumber: string
  readonly subSequenceNumber: number | null
}

function failedRecords(s3: FakeS3): LandedRecord[] {
  return keysInOrder(s3, 'errors/').flatMap((key) =>
    bytesOf(s3, key)
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => {
        const { rawData, sequenceNumber, subSequenceNumber } = JSON.parse(line) as ErrorLine
        const { order_id: id } = JSON.parse(Buffer.from(rawData, 'base64').toString()) as { order_id: string }
        return { id, sequenceNumber, subSequence: subSequenceNumber ?? undefined }
      }),
  )
}

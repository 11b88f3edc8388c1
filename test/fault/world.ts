/** A whole installation in a temporary folder: its store, its folders as buckets, its streams, and its oracle. */
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { FirehoseClient } from '@aws-sdk/client-firehose'
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startHydrant, temporaryFolder, type HydrantProcess } from '../support/hydrant.ts'
import { allParquetRows, errorLines, listFolderBucket, type Row } from '../support/landed.ts'
import { MOODS } from '../support/moody-server.ts'
import { firehoseClient, judge, missingOf, type Producer } from '../support/producer.ts'
import { startRedisServer, type RedisServer } from '../support/redis-server.ts'

export type Shape = 'embedded' | 'distributed'

export interface World {
  readonly shape: Shape
  readonly folder: string
  readonly redis: RedisServer | undefined
  /** Starts a process that takes records; with the embedded store it delivers as well. */
  startApi(crashAt?: string): Promise<HydrantProcess>
  /** Starts a process that delivers; with the embedded store there is no other than the API's. */
  startDelivery(crashAt?: string): Promise<HydrantProcess>
  /** What landed: ids in the Parquet objects and in the error records. */
  landed(): Promise<Landed>
  /** Waits until nothing is pending, then checks the oracle and the ledger. */
  expectAllDelivered(process: HydrantProcess, producers: readonly Producer[], limitMs?: number): Promise<void>
  client(process: HydrantProcess): FirehoseClient
  close(): Promise<void>
}

export interface Landed {
  readonly rows: readonly string[]
  readonly failed: readonly string[]
  /** Rows whose object is another than their keys say; with partitions. */
  readonly misplaced: readonly string[]
}

export const STREAM = 'company-orders-to-s3'

interface WorldOptions {
  /** Default: 1. */
  readonly intervalSeconds?: number
  /** Records go through the transform at this URL, then into partitions. */
  readonly transformUrl?: string
  /** Every record lands in the bucket vault too, as it came. */
  readonly backup?: boolean
}

const backup = {
  S3BackupMode: 'Enabled',
  S3BackupConfiguration: { BucketARN: 'arn:aws:s3:::vault', Prefix: 'source/', CompressionFormat: 'GZIP' },
}

function transforms(url: string): object {
  return {
    extensions: { [STREAM]: { transform: { url, bufferSizeInMBs: 0.2 } } },
    processing: { allowedUrls: [url] },
  }
}

const partitioned = {
  Prefix: 'orders/mood=!{partitionKeyFromLambda:mood}/shop=!{partitionKeyFromQuery:shop}/',
  DynamicPartitioningConfiguration: { Enabled: true },
  ProcessingConfiguration: {
    Enabled: true,
    Processors: [
      {
        Type: 'MetadataExtraction',
        Parameters: [
          { ParameterName: 'MetadataExtractionQuery', ParameterValue: '{shop: .shop}' },
          { ParameterName: 'JsonParsingEngine', ParameterValue: 'JQ-1.6' },
        ],
      },
    ],
  },
}

function configuration(
  folder: string,
  redisUrl: string | undefined,
  { intervalSeconds = 1, ...options }: WorldOptions,
): object {
  const { transformUrl } = options
  return {
    ...(transformUrl === undefined ? {} : transforms(transformUrl)),
    buffer: {
      ...(redisUrl === undefined
        ? { type: 'embedded', path: join(folder, 'buffer') }
        : { type: 'redis', url: redisUrl, maxBytes: '1GiB' }),
      partitionedBatchBytes: '1MiB',
    },
    objectStore: { type: 'file', root: join(folder, 'buckets') },
    convert: { threads: 1, stagingPath: join(folder, 'staging') },
    catalog: {
      databases: {
        sales: {
          orders: {
            columns: [
              { name: 'order_id', type: 'string' },
              { name: 'amount', type: 'double' },
              { name: 'shop', type: 'string' },
              { name: 'answered', type: 'int' },
            ],
          },
        },
      },
    },
    limits: 'relaxed',
    deliveryStreams: [
      {
        DeliveryStreamName: STREAM,
        ExtendedS3DestinationConfiguration: {
          BucketARN: 'arn:aws:s3:::lake',
          Prefix: 'orders/!{timestamp:yyyy/MM/dd}/',
          ...(transformUrl === undefined ? {} : partitioned),
          ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
          ...(options.backup === true ? backup : {}),
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

function idOf(row: Row): string {
  return String(row['order_id'])
}

/** The object has the keys that the answer with this row named. */
function isInPlace(key: string, row: Row): boolean {
  return key.startsWith(`orders/mood=m${Number(row['answered']) % MOODS}/shop=${String(row['shop'])}/`)
}

export async function createWorld(shape: Shape, options: WorldOptions = {}): Promise<World> {
  const folder = await temporaryFolder()
  const redis =
    shape === 'distributed' ? await startRedisServer({ appendonly: true, appendfsync: 'always' }) : undefined
  const config = configuration(folder.path, redis?.url, options)
  const processes: HydrantProcess[] = []
  const clients: FirehoseClient[] = []

  const start = async (roles: string, crashAt: string | undefined): Promise<HydrantProcess> => {
    const started = await startHydrant({
      config,
      roles,
      folder: folder.path,
      ...(crashAt === undefined ? {} : { crashAt }),
    })
    processes.push(started)
    return started.ready()
  }

  const landed = async (): Promise<Landed> => {
    const objects = await listFolderBucket(join(folder.path, 'buckets'), 'lake')
    const rows: Row[] = []
    const misplaced: string[] = []
    for (const object of objects) {
      const own = await allParquetRows([object])
      rows.push(...own)
      if (options.transformUrl !== undefined)
        misplaced.push(...own.filter((row) => !isInPlace(object.key, row)).map((row) => idOf(row)))
    }
    const failed = errorLines(objects).map(
      ({ rawData }) =>
        (JSON.parse(Buffer.from(rawData, 'base64').toString()) as { order_id: string }).order_id,
    )
    return { rows: rows.map((row) => idOf(row)), failed, misplaced }
  }

  /** Ids in the backup; each of its records is an order, with nothing between them. */
  const backedUp = async (): Promise<string[]> => {
    const objects = await listFolderBucket(join(folder.path, 'buckets'), 'vault')
    const text = objects.map(({ bytes }) => gunzipSync(bytes).toString()).join('')
    return [...text.matchAll(/\{"order_id":"([^"]+)"/g)].map(([, id = '']) => id)
  }

  return {
    shape,
    folder: folder.path,
    redis,
    startApi: (crashAt) => start(shape === 'embedded' ? 'api,delivery' : 'api', crashAt),
    startDelivery: (crashAt) => start('delivery', crashAt),
    landed,
    client(process) {
      const client = firehoseClient(process.endpoint)
      clients.push(client)
      return client
    },
    async expectAllDelivered(process, producers, limitMs = 60_000) {
      const state = (name: string): Promise<number> =>
        process.metric('hydrant_ledger_records', { delivery_stream: STREAM, state: name })
      await eventually(async () => expect(await state('pending')).toBe(0), limitMs)
      const { rows, failed, misplaced } = await landed()
      expect(misplaced).toEqual([])
      const isDropping = options.transformUrl !== undefined
      const missing = missingOf(producers, [...rows, ...failed])
      expect(judge(producers, [...rows, ...failed, ...(isDropping ? missing : [])])).toEqual([])
      if (options.backup === true) expect(judge(producers, await backedUp()), 'in the backup').toEqual([])
      const [accepted, delivered, failedRecords, dropped] = [
        await state('accepted'),
        await state('delivered'),
        await state('failed'),
        await state('dropped'),
      ]
      expect({ delivered, failedRecords }).toEqual({
        delivered: rows.length,
        failedRecords: failed.length,
      })
      expect(accepted).toBe(rows.length + failed.length + dropped)
      if (!isDropping) return expect(dropped).toBe(0)
      // What is neither a row nor a failure was dropped by the transform; of what was not acknowledged, some may have been.
      const unknown = producers.reduce((sum, producer) => sum + producer.unknown.size, 0)
      expect(dropped).toBeGreaterThanOrEqual(missing.length)
      expect(dropped).toBeLessThanOrEqual(missing.length + unknown)
      expect(missing.length).toBeGreaterThan(0)
    },
    async close() {
      for (const client of clients) client.destroy()
      for (const process of processes) if (!process.hasEnded) await process.kill()
      await redis?.stop()
      await folder.remove()
    },
  }
}

/** A whole installation in a temporary folder: its store, its folders as buckets, its streams, and its oracle. */
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { FirehoseClient } from '@aws-sdk/client-firehose'
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startHydrant, temporaryFolder, type HydrantProcess } from '../support/hydrant.ts'
import { allParquetRows, errorLines, listFolderBucket } from '../support/landed.ts'
import { firehoseClient, judge, type Producer } from '../support/producer.ts'
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
  landed(): Promise<{ rows: string[]; failed: string[] }>
  /** Waits until nothing is pending, then checks the oracle and the ledger. */
  expectAllDelivered(process: HydrantProcess, producers: readonly Producer[], limitMs?: number): Promise<void>
  client(process: HydrantProcess): FirehoseClient
  close(): Promise<void>
}

export const STREAM = 'company-orders-to-s3'

interface WorldOptions {
  /** Default: 1. */
  readonly intervalSeconds?: number
  /** Every record lands in the bucket vault too, as it came. */
  readonly backup?: boolean
}

const backup = {
  S3BackupMode: 'Enabled',
  S3BackupConfiguration: { BucketARN: 'arn:aws:s3:::vault', Prefix: 'source/', CompressionFormat: 'GZIP' },
}

function configuration(
  folder: string,
  redisUrl: string | undefined,
  { intervalSeconds = 1, ...options }: WorldOptions,
): object {
  return {
    buffer:
      redisUrl === undefined
        ? { type: 'embedded', path: join(folder, 'buffer') }
        : { type: 'redis', url: redisUrl, maxBytes: '1GiB' },
    objectStore: { type: 'file', root: join(folder, 'buckets') },
    convert: { threads: 1, stagingPath: join(folder, 'staging') },
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
    deliveryStreams: [
      {
        DeliveryStreamName: STREAM,
        ExtendedS3DestinationConfiguration: {
          BucketARN: 'arn:aws:s3:::lake',
          Prefix: 'orders/!{timestamp:yyyy/MM/dd}/',
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

  const landed = async (): Promise<{ rows: string[]; failed: string[] }> => {
    const objects = await listFolderBucket(join(folder.path, 'buckets'), 'lake')
    const rows = await allParquetRows(objects)
    const failed = errorLines(objects).map(
      ({ rawData }) =>
        (JSON.parse(Buffer.from(rawData, 'base64').toString()) as { order_id: string }).order_id,
    )
    return { rows: rows.map((row) => String(row['order_id'])), failed }
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
      const { rows, failed } = await landed()
      expect(judge(producers, [...rows, ...failed])).toEqual([])
      if (options.backup === true) expect(judge(producers, await backedUp()), 'in the backup').toEqual([])
      const [accepted, delivered, failedRecords, dropped] = [
        await state('accepted'),
        await state('delivered'),
        await state('failed'),
        await state('dropped'),
      ]
      expect({ delivered, failedRecords, dropped }).toEqual({
        delivered: rows.length,
        failedRecords: failed.length,
        dropped: 0,
      })
      expect(accepted).toBe(rows.length + failed.length)
    },
    async close() {
      for (const client of clients) client.destroy()
      for (const process of processes) if (!process.hasEnded) await process.kill()
      await redis?.stop()
      await folder.remove()
    },
  }
}

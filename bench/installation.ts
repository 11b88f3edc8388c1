/** A whole installation for a benchmark: object store, Redis where asked for, Hydrant processes, each measured from outside. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startHydrant, temporaryFolder, type HydrantProcess } from '../test/support/hydrant.ts'
import { startRedisServer } from '../test/support/redis-server.ts'
import type { LoadOptions, LoadReport } from './load.ts'
import { Meter, type Usage } from './meter.ts'
import { eightColumns } from './orders.ts'

export type Shape = 'embedded' | 'redis'
export const STREAM = 'orders'

export interface InstallationOptions {
  readonly shape: Shape
  readonly sizeInMBs: number
  readonly intervalInSeconds: number
  readonly engine?: 'duckdb' | 'js'
  /** Buckets that the object store has from the start. */
  readonly buckets: readonly string[]
  readonly maxBytes?: string
  /** Requests are signed, and their signatures are verified. */
  readonly signed?: boolean
  /** Feeds the delivery stream, in place of the API. */
  readonly dataStream?: FakeDataStream
}

/** A data stream of test/support/fake-kinesis-main.ts. */
export interface FakeDataStream {
  readonly port: number
  readonly arn: string
  /** Further settings of `kinesis`. */
  readonly settings: object
  readonly metadataColumns: object
}

export interface Installation {
  /** The process that takes records: by HTTP, or from the data stream. */
  readonly api: HydrantProcess
  readonly delivery: HydrantProcess
  readonly s3Port: number
  /** Starts to measure; `read` answers by name of the process. */
  measure(): { read(): Record<string, Usage> }
  load(options: Omit<LoadOptions, 'port' | 'stream'>): Promise<LoadReport>
  close(): Promise<void>
}

const credential = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' }

function configuration(
  folder: string,
  options: InstallationOptions,
  s3Port: number,
  redisUrl: string | undefined,
): object {
  const maxBytes = options.maxBytes ?? '4GiB'
  return {
    buffer:
      redisUrl === undefined
        ? { type: 'embedded', path: join(folder, 'buffer'), maxBytes, perStreamShare: 1 }
        : { type: 'redis', url: redisUrl, maxBytes, perStreamShare: 1 },
    objectStore: {
      type: 's3',
      endpoint: `http://127.0.0.1:${s3Port}`,
      accessKeyId: 'bench',
      secretAccessKey: 'bench',
    },
    convert: { engine: options.engine ?? 'duckdb', stagingPath: join(folder, 'staging') },
    catalog: { databases: { sales: { orders: { columns: eightColumns } } } },
    limits: 'relaxed',
    ...(options.signed === true ? { auth: { mode: 'sigv4', credentials: [credential] } } : {}),
    ...kinesisSettings(options.dataStream),
    deliveryStreams: [
      {
        DeliveryStreamName: STREAM,
        ...kinesisSource(options.dataStream),
        ExtendedS3DestinationConfiguration: {
          BucketARN: 'arn:aws:s3:::lake',
          Prefix: 'orders/!{timestamp:yyyy/MM/dd/HH}/',
          ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
          BufferingHints: { SizeInMBs: options.sizeInMBs, IntervalInSeconds: options.intervalInSeconds },
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

function kinesisSettings(dataStream: FakeDataStream | undefined): object {
  if (dataStream === undefined) return {}
  const { port, settings, metadataColumns } = dataStream
  return {
    kinesis: {
      endpoint: `http://127.0.0.1:${port}`,
      accessKeyId: 'bench',
      secretAccessKey: 'bench',
      ...settings,
    },
    extensions: { [STREAM]: { startingPosition: 'TRIM_HORIZON', metadataColumns } },
  }
}

function kinesisSource(dataStream: FakeDataStream | undefined): object {
  if (dataStream === undefined) return {}
  return {
    DeliveryStreamType: 'KinesisStreamAsSource',
    KinesisStreamSourceConfiguration: { KinesisStreamARN: dataStream.arn },
  }
}

/** Arguments of Node that run a script of ours. */
export function script(path: string): string[] {
  return ['--import', 'tsx', fileURLToPath(new URL(path, import.meta.url))]
}

export async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the process has no output')
  let text = ''
  for await (const bytes of child.stdout) {
    text += String(bytes)
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'))
  }
  throw new Error(`the process ended after: ${text}`)
}

export async function install(options: InstallationOptions): Promise<Installation> {
  const folder = await temporaryFolder()
  const bucketArguments = options.buckets.flatMap((bucket) => ['--bucket', bucket])
  const s3 = spawn(
    process.execPath,
    [...script('../test/support/fake-s3-main.ts'), '--discard', ...bucketArguments],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const { port: s3Port } = JSON.parse(await firstLine(s3)) as { port: number }
  const redis =
    options.shape === 'redis'
      ? await startRedisServer({ appendonly: true, appendfsync: 'everysec' })
      : undefined
  const config = configuration(folder.path, options, s3Port, redis?.url)
  const start = async (roles: string): Promise<HydrantProcess> =>
    (await startHydrant({ config, folder: folder.path, roles, logLevel: 'warn' })).ready()
  const taking = options.dataStream === undefined ? 'api' : 'kinesis'
  const api = await start(options.shape === 'redis' ? taking : `${taking},delivery`)
  const delivery = options.shape === 'redis' ? await start('delivery') : api

  return {
    api,
    delivery,
    s3Port,
    measure() {
      const processes: [string, number][] = [
        [options.shape === 'redis' ? taking : 'all roles', api.pid],
        ...(options.shape === 'redis' ? ([['delivery', delivery.pid]] as [string, number][]) : []),
        ...(redis === undefined ? [] : ([['redis', redis.pid]] as [string, number][])),
        ['object store', s3.pid ?? 0],
      ]
      const meters = processes.map(([name, pid]) => [name, new Meter(pid)] as const)
      return { read: () => Object.fromEntries(meters.map(([name, meter]) => [name, meter.read()])) }
    },
    async load(load) {
      const signing = options.signed === true ? { credential } : {}
      const child = spawn(
        process.execPath,
        [...script('./load.ts'), JSON.stringify({ ...load, ...signing, port: api.port, stream: STREAM })],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      return JSON.parse(await firstLine(child)) as LoadReport
    },
    async close() {
      await delivery.kill('SIGTERM')
      if (api !== delivery) await api.kill('SIGTERM')
      const ended = once(s3, 'exit')
      s3.kill()
      await ended
      await redis?.stop()
      await folder.remove()
    },
  }
}

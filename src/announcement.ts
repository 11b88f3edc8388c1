/** What a start prints: where the process listens, what is declared, how to send a record, where objects land. */
import { resolve } from 'node:path'
import type { Started } from './app.ts'
import { isLoopback } from './config/loopback.ts'
import type { Config } from './config/schema.ts'
import type { DeliveryStream, KinesisSource } from './domain/delivery-stream.ts'
import { MIB } from './domain/limits.ts'

/** Streams listed at most; the rest are counted. */
const LISTED_MAX = 10

export function announcement(title: string, started: Started, config: Config): string {
  const lines = [title, ...addresses(started), ...declared(started.streams, config)]
  if (started.api !== undefined) lines.push(...examples(started.streams, urlOf(started.api), config))
  return `${lines.join('\n')}\n`
}

function addresses({ api, admin, promise }: Started): string[] {
  const listening = api === undefined ? [] : [`  api      ${urlOf(api)}  (the Firehose endpoint)`]
  return [
    ...listening,
    `  admin    ${urlOf(admin)}  (/metrics /healthz /readyz /shards /quarantine)`,
    `  records  ${promise}`,
  ]
}

function declared(streams: readonly DeliveryStream[], config: Config): string[] {
  if (streams.length === 0) return ['  streams  none declared; CreateDeliveryStream makes one']
  const lines = streams.slice(0, LISTED_MAX).map((stream) => `  stream   ${describe(stream, config)}`)
  const more = streams.length - lines.length
  return more === 0 ? lines : [...lines, `           and ${more} more`]
}

function describe({ name, kinesis, destination, hints }: DeliveryStream, config: Config): string {
  const source = kinesis === undefined ? '' : `from ${dataStream(kinesis, config)}, `
  const { bucket, prefix, compression, conversion } = destination
  const folder =
    config.objectStore.type === 'file'
      ? resolve(config.objectStore.root, bucket)
      : `s3://${bucket}${config.objectStore.endpoint === undefined ? '' : ` at ${config.objectStore.endpoint}`}`
  const asTheyAre = compression === 'UNCOMPRESSED' ? 'records as they are' : `records in ${compression}`
  const format = conversion !== undefined ? 'Parquet' : asTheyAre
  const when = `every ${hints.intervalMs / 1000} s or ${hints.bytes / MIB} MiB`
  return `${name}: ${source}${format}, ${when}, into ${folder} under ${prefix === '' ? 'YYYY/MM/dd/HH/' : prefix}`
}

function dataStream({ streamArn }: KinesisSource, { kinesis }: Config): string {
  const at = kinesis.endpoint === undefined ? '' : ` at ${kinesis.endpoint}`
  return `Kinesis data stream ${dataStreamName(streamArn)}${at}`
}

function dataStreamName(streamArn: string): string {
  return streamArn.slice(streamArn.indexOf('/') + 1)
}

/** How to send to the first stream that takes puts, or else to the data stream of the first one. */
function examples(streams: readonly DeliveryStream[], url: string, config: Config): string[] {
  const stream = streams.find(({ kinesis }) => kinesis === undefined) ?? streams[0]
  if (stream === undefined) return []
  const record = JSON.stringify(sampleRecord(stream, config))
  const { kinesis } = stream
  return [
    '',
    ...(kinesis ? kinesisExample(kinesis, record, config) : putExamples(stream, record, url, config)),
  ]
}

function putExamples({ name }: DeliveryStream, record: string, url: string, config: Config): string[] {
  const { region } = config.aws
  const asked = config.auth?.mode === 'sigv4'
  const keys = asked ? '' : 'AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any '
  return [
    `Send a record with the AWS CLI, version 2 (${asked ? 'with credentials that auth names' : 'any credentials do'}):`,
    `  ${keys}aws firehose put-record --region ${region} \\`,
    `    --endpoint-url ${url} --delivery-stream-name ${name} \\`,
    `    --cli-binary-format raw-in-base64-out --record '${JSON.stringify({ Data: `${record}\n` })}'`,
    'or with boto3:',
    '  import boto3',
    `  firehose = boto3.client('firehose', endpoint_url='${url}', region_name='${region}'${asked ? ')' : ','}`,
    ...(asked ? [] : ["                          aws_access_key_id='any', aws_secret_access_key='any')"]),
    `  firehose.put_record(DeliveryStreamName='${name}', Record={'Data': b'${record}\\n'})`,
  ]
}

function kinesisExample({ streamArn }: KinesisSource, record: string, { kinesis, aws }: Config): string[] {
  const region = kinesis.region ?? (streamArn.split(':')[3] || aws.region)
  const { endpoint } = kinesis
  const at = endpoint === undefined ? '' : `endpoint_url='${endpoint}', `
  const isLocal = endpoint !== undefined && URL.canParse(endpoint) && isLoopback(new URL(endpoint).hostname)
  return [
    'Put a record into the data stream with boto3:',
    '  import boto3',
    `  kinesis = boto3.client('kinesis', ${at}region_name='${region}'${isLocal ? ',' : ')'}`,
    ...(isLocal ? ["                         aws_access_key_id='any', aws_secret_access_key='any')"] : []),
    `  kinesis.put_record(StreamName='${dataStreamName(streamArn)}', PartitionKey='customer-1', Data=b'${record}')`,
  ]
}

/** A record that the stream's table takes. */
function sampleRecord({ destination }: DeliveryStream, { catalog }: Config): Record<string, unknown> {
  const table = destination.conversion?.table
  const columns = table && catalog.databases[table.databaseName]?.[table.tableName]?.columns
  if (columns === undefined) return { hello: 'world' }
  const plain = columns.filter(({ name }) => /^[a-z0-9_]+$/.test(name)).slice(0, 4)
  return Object.fromEntries(plain.map(({ name, type }) => [name, sampleValue(name, type.toLowerCase())]))
}

function sampleValue(name: string, type: string): unknown {
  if (/^(tinyint|smallint|int|integer|bigint)$/.test(type)) return 1
  if (/^(float|double|decimal)/.test(type)) return type.startsWith('decimal') ? 1 : 9.5
  if (type === 'boolean') return true
  if (type === 'date') return '2026-01-31'
  if (type === 'timestamp') return '2026-01-31 12:00:00'
  return type === 'string' ? `${name}-1` : null
}

interface Address {
  readonly host: string
  readonly port: number
  readonly isSecure?: boolean
}

/** A process that listens everywhere is reached here by loopback. */
function urlOf({ host, port, isSecure = false }: Address): string {
  const scheme = isSecure ? 'https' : 'http'
  if (host === '0.0.0.0') return `${scheme}://127.0.0.1:${port}`
  if (host === '::') return `${scheme}://[::1]:${port}`
  return `${scheme}://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
}

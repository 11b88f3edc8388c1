/**
 * Records as bad as they come, in the company of good ones, through the whole way from the API to the objects: the good ones
 * land, and each of the others is a row or an error record, once.
 */
import {
  CreateDeliveryStreamCommand,
  PutRecordBatchCommand,
  type FirehoseClient,
} from '@aws-sdk/client-firehose'
import { expect } from 'vitest'
import { oddRecords } from '../conformance/encoder/odd-records.ts'
import { allParquetRows, type LandedObject } from '../support/landed.ts'
import { convertingStream, partitionedStream } from './declarations.ts'
import { test } from './installation.ts'

const COLUMNS = [
  ['a', 'string'],
  ['n', 'int'],
  [`x"; drop table "orders"; --`, 'string'],
  [`'); select 1 --`, 'array<string>'],
] as const
/** Names of delivery streams have no quotes, but all else that a comment and a statement need. */
const NAME = 'select.1--drop_table.orders'

const good = (index: number): string =>
  JSON.stringify({ a: 'good', n: index, 'x"; drop table "orders"; --': 'sql', "'); select 1 --": ['sql'] })

const deep = (depth: number, bytes: number): string => {
  const arrays = '['.repeat(depth) + ']'.repeat(depth)
  return `{"a":"${'x'.repeat(bytes - arrays.length - 13)}","z":${arrays}}`
}

const ODD: readonly (string | Buffer)[] = [
  ...oddRecords.map(({ record }) => record),
  deep(10_000, 1_024_000),
  '{"a":"lower","A":"upper"}',
  '{"a":"\u0000"}',
  '{"a":"\u0001"}',
  '{"a":"\\ud800"}',
  '{"a":"\\udc00\\ud800"}',
  '\r',
]

/** Each in a call of its own size: the largest records would not fit one call together. */
async function putAll(
  client: FirehoseClient,
  name: string,
  records: readonly (string | Buffer)[],
): Promise<void> {
  const calls: Buffer[][] = [[]]
  let bytes = 0
  for (const record of records) {
    const Data = Buffer.from(record as string)
    if (bytes + Data.length > 3_000_000 || calls.at(-1)?.length === 400) {
      calls.push([])
      bytes = 0
    }
    calls.at(-1)?.push(Data)
    bytes += Data.length
  }
  for (const call of calls) {
    const Records = call.map((Data) => ({ Data }))
    const answer = await client.send(new PutRecordBatchCommand({ DeliveryStreamName: name, Records }))
    expect(answer.FailedPutCount).toBe(0)
  }
}

/** Exact bytes of the records that failed, in base64. */
function failedRecords(objects: readonly LandedObject[]): string[] {
  return objects
    .filter(({ key }) => key.startsWith('errors/'))
    .flatMap(({ bytes }) => bytes.toString().trimEnd().split('\n'))
    .map((line) => (JSON.parse(line) as { rawData: string }).rawData)
}

const base64 = (record: string | Buffer): string => Buffer.from(record as string).toString('base64')

for (const [way, query] of [
  ['in DuckDB', '{of: (.a // "none")}'],
  ['by jq', '{of: ([.a] | .[0] // "none")}'],
  ['without partitions', undefined],
] as const) {
  test(`G2, G3: the worst records, keys read ${way}`, { timeout: 120_000 }, async ({ install }) => {
    const installation = await install({ columns: COLUMNS })
    const process = await installation.start()
    const client = installation.client(process)
    await client.send(
      new CreateDeliveryStreamCommand(
        query === undefined
          ? convertingStream(NAME, { sizeMiB: 64 })
          : partitionedStream(NAME, query, { prefix: 'rows/!{partitionKeyFromQuery:of}/' }),
      ),
    )
    const records = ODD.flatMap((odd, index) => [good(index), odd])
    await putAll(client, NAME, records)
    const ledger = await installation.delivered(process, NAME, 90_000)
    expect(ledger.accepted).toBe(records.length)
    const objects = await installation.objects()
    const rows = await allParquetRows(objects)
    const goodRows = rows.filter((row) => row['a'] === 'good')
    expect(goodRows).toEqual(
      expect.arrayContaining(
        ODD.map((_, n) => ({ a: 'good', n, [COLUMNS[2][0]]: 'sql', [COLUMNS[3][0]]: ['sql'] })),
      ),
    )
    expect(goodRows).toHaveLength(ODD.length)
    const failed = failedRecords(objects)
    expect(ledger.failed).toBe(failed.length)
    // Only without partitions may a record hold several documents: each is a row.
    const furtherRows =
      query === undefined ? oddRecords.flatMap(({ rows: found = [] }) => found.slice(1)) : []
    expect(rows).toHaveLength(ledger.delivered + furtherRows.length)
    const refused = oddRecords.filter(({ verdict }) => verdict !== undefined)
    for (const { record } of refused) expect(failed).toContain(base64(record))
    expect(failed.toSorted().filter((raw) => !ODD.some((odd) => base64(odd) === raw))).toEqual([])
  })
}

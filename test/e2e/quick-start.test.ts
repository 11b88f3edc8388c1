/** G1, G2: the shipped quick start, as shipped: fifty orders go in by the official SDK, and their rows come out. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { HydrantProcess, temporaryFolder } from '../support/hydrant.ts'
import { errorLines, listFolderBucket } from '../support/landed.ts'
import { rowsByTwoReaders } from './two-readers.ts'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const CONFIG = fileURLToPath(new URL('../../config/hydrant.yaml', import.meta.url))
const STREAM = 'company-orders-to-s3'

let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await folder.remove()
})

test('G1, G2: fifty orders put into the shipped configuration are, after its interval, fifty equal rows for two readers', async () => {
  const args = ['serve', '--config', CONFIG, '--port', '0', '--admin-port', '0']
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const process = new HydrantProcess(spawn(globalThis.process.execPath, [MAIN, ...args], { cwd: folder.path, stdio: [...stdio] })) // prettier-ignore
  try {
    await eventually(() => expect(process.output).toContain('or with boto3'), 30_000)
    await process.ready()
    expect(process.output).toContain(`api      ${process.endpoint}`)
    expect(process.output).toContain(`admin    http://127.0.0.1:${process.adminPort}`)
    expect(process.output).toContain(`${STREAM}: Parquet, every 5 s or 64 MiB`)
    expect(process.output).toContain(`into ${join(folder.path, 'data/buckets/lake')} under orders/`)

    // Nothing but the endpoint is told to the client, and that by the environment.
    vi.stubEnv('AWS_ENDPOINT_URL_FIREHOSE', process.endpoint)
    vi.stubEnv('AWS_REGION', 'us-east-1')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'any')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'any')
    const client = new FirehoseClient({})
    const orders = Array.from({ length: 50 }, (_, index) => ({
      order_id: `order-${index} “¼ kg” 🛒`,
      amount: index === 0 ? -0.1 : index * 1.1,
    }))
    const Records = orders.map((order) => ({ Data: Buffer.from(JSON.stringify(order)) }))
    const answer = await client.send(new PutRecordBatchCommand({ DeliveryStreamName: STREAM, Records }))
    client.destroy()
    expect(answer.FailedPutCount).toBe(0)
    expect(new Set(answer.RequestResponses?.map(({ RecordId }) => RecordId)).size).toBe(50)

    const bucket = join(folder.path, 'data/buckets')
    const objects = await eventually(async () => {
      const landed = await listFolderBucket(bucket, 'lake')
      expect(landed).toHaveLength(1)
      return landed
    })
    expect(objects[0]?.key).toMatch(
      /^orders\/\d{4}\/\d\d\/\d\d\/\d\d\/company-orders-to-s3-1-[\d-]{19}-[\da-f-]{36}\.parquet$/,
    )
    expect(await rowsByTwoReaders(objects)).toEqual(orders)
    expect(errorLines(objects)).toEqual([])
    expect(await process.kill('SIGTERM')).toEqual({ code: 0, signal: null })
  } finally {
    if (!process.hasEnded) await process.kill()
  }
})

test('the shipped configuration is found right by `hydrant check`, which touches nothing', async () => {
  const child = spawn(globalThis.process.execPath, [MAIN, 'check', '--config', CONFIG], {
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
  const [code] = (await once(child, 'close')) as [number]
  expect(code).toBe(0)
  expect(output).toContain(`ok: delivery stream "${STREAM}"`)
  expect(await readdir(folder.path)).toEqual([])
})

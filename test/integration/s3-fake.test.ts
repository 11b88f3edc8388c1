/** The fake object store is strict where a careless one would hide a fault of ours. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startFakeS3, type FakeS3 } from '../support/fake-s3.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const region = 'us-east-1'
let s3: FakeS3
let client: S3Client

beforeEach(async () => {
  s3 = await startFakeS3({ buckets: ['lake'] })
  client = clientOf(s3.endpoint)
})
afterEach(async () => {
  client.destroy()
  await s3.close()
})

function clientOf(endpoint: string): S3Client {
  return new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 })
}

interface Plain {
  readonly status: number
  readonly body: string
}

async function plain(
  method: string,
  path: string,
  headers: Record<string, string>,
  body = '',
): Promise<Plain> {
  const call = request({ host: '127.0.0.1', port: s3.port, method, path, headers })
  call.end(body)
  const [response] = (await once(call, 'response')) as [Readable & { statusCode: number }]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode, body: Buffer.concat(chunks).toString() }
}

const authorization = 'AWS4-HMAC-SHA256 Credential=test'

test('a request without signature is refused', async () => {
  expect(await plain('PUT', '/lake/a', {}, 'x')).toMatchObject({ status: 403 })
})

test('a body without its length is refused', async () => {
  const refused = await plain('PUT', '/lake/a', { authorization, 'transfer-encoding': 'chunked' }, 'x')
  expect(refused).toMatchObject({ status: 411 })
  expect(refused.body).toContain('<Code>MissingContentLength</Code>')
})

test.each([
  ['a wrong CRC-32', { 'x-amz-checksum-crc32': 'AAAAAA==' }, 'BadDigest'],
  ['a wrong SHA-256', { 'x-amz-content-sha256': '0'.repeat(64) }, 'XAmzContentSHA256Mismatch'],
  ['framing that is none', { 'content-encoding': 'aws-chunked' }, 'IncompleteBody'],
])('%s is refused', async (_, headers, code) => {
  const refused = await plain('PUT', '/lake/a', { authorization, 'content-length': '1', ...headers }, 'x')
  expect(refused).toMatchObject({ status: 400 })
  expect(refused.body).toContain(`<Code>${code}</Code>`)
  expect(s3.keys('lake')).toEqual([])
})

test('a stream of the SDK with trailing checksum is taken out of its framing', async () => {
  const Body = Readable.from([Buffer.from('hello '), Buffer.from('world')])
  await client.send(new PutObjectCommand({ Bucket: 'lake', Key: 'a', Body, ContentLength: 11 }))
  expect(s3.requests[0]?.headers['x-amz-trailer']).toBe('x-amz-checksum-crc32')
  expect(s3.object('lake', 'a')?.bytes?.toString()).toBe('hello world')
  expect(s3.object('lake', 'a')?.contentEncoding).toBeUndefined()
})

test('the bucket may stand in the host', async () => {
  const headers = { authorization, host: 'lake.localhost', 'content-length': '1' }
  expect(await plain('PUT', '/a/b', headers, 'x')).toMatchObject({ status: 200 })
  expect(s3.keys('lake')).toEqual(['a/b'])
})

test('objects are listed page by page, read with their headers, and deleted', async () => {
  await client.send(new CreateBucketCommand({ Bucket: 'other' }))
  for (const Key of ['a/1 &', 'a/2', 'a/3', 'b'])
    await client.send(
      new PutObjectCommand({
        Bucket: 'other',
        Key,
        Body: 'x',
        ContentEncoding: 'gzip',
        Metadata: { part: '0' },
      }),
    )
  const page = await client.send(new ListObjectsV2Command({ Bucket: 'other', Prefix: 'a/', MaxKeys: 2 }))
  expect(page.Contents?.map(({ Key }) => Key)).toEqual(['a/1 &', 'a/2'])
  const ContinuationToken = page.NextContinuationToken
  const last = await client.send(
    new ListObjectsV2Command({ Bucket: 'other', Prefix: 'a/', MaxKeys: 2, ContinuationToken }),
  )
  expect(last).toMatchObject({ IsTruncated: false, Contents: [{ Key: 'a/3' }] })
  expect(await client.send(new HeadObjectCommand({ Bucket: 'other', Key: 'a/2' }))).toMatchObject({
    ContentEncoding: 'gzip',
    ContentLength: 1,
    Metadata: { part: '0' },
  })
  await client.send(new DeleteObjectCommand({ Bucket: 'other', Key: 'a/2' }))
  await expect(client.send(new GetObjectCommand({ Bucket: 'other', Key: 'a/2' }))).rejects.toMatchObject({
    name: 'NoSuchKey',
  })
})

test('it runs as a process of its own, with bodies in a folder and faults by HTTP', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hydrant-fake-s3-'))
  const main = fileURLToPath(new URL('../support/fake-s3-main.ts', import.meta.url))
  const words = ['--import', 'tsx', main, '--folder', folder, '--bucket', 'lake']
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const endpoint = `http://127.0.0.1:${(JSON.parse(line.toString()) as { port: number }).port}`
    const own = clientOf(endpoint)
    const fault = { at: 'before', does: { kind: 'answer', status: 503, code: 'SlowDown' } }
    await fetch(`${endpoint}/-/faults`, { method: 'POST', body: JSON.stringify(fault) })
    const put = () => own.send(new PutObjectCommand({ Bucket: 'lake', Key: 'a', Body: 'x' }))
    await expect(put()).rejects.toMatchObject({ name: 'SlowDown' })
    await put()
    const { Body } = await own.send(new GetObjectCommand({ Bucket: 'lake', Key: 'a' }))
    expect(await Body?.transformToString()).toBe('x')
    expect(await readdir(folder)).toHaveLength(1)
    own.destroy()
  } finally {
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    expect((await exited)[0]).toBe(0)
    await rm(folder, { recursive: true, force: true })
  }
})

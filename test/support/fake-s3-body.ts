/** Bodies as S3 checks them: known length, aws-chunked framing taken apart, checksums compared. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'

/** An answer of S3 that is an error. */
export class S3Refusal extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message = code) {
    super(message)
    this.status = status
    this.code = code
  }
}

export interface ReceivedBody {
  readonly length: number
  /** Absent when it went to a file or to nowhere. */
  readonly bytes?: Buffer
  readonly path?: string
}

/** `path`: write the body there; `nowhere`: only count it. Reads to the end before it refuses. */
export async function receiveBody(
  request: IncomingMessage,
  to: { path: string } | 'memory' | 'nowhere',
): Promise<ReceivedBody> {
  const { headers } = request
  const chunked = isAwsChunked(headers)
  if (!chunked && headers['content-length'] === undefined) {
    await drain(request)
    throw new S3Refusal(411, 'MissingContentLength')
  }
  const length = Number(headers['content-length'])
  if (chunked || to === 'memory') {
    const received = await readAll(request)
    if (!chunked) expectLength(received.length, length)
    const bytes = chunked ? decodeAwsChunked(received, headers) : received
    verify(headers, [bytes])
    return { length: bytes.length, bytes }
  }
  if (to === 'nowhere') {
    expectLength(await drain(request), length)
    return { length }
  }
  return await receiveFile(request, to.path, length)
}

async function receiveFile(request: IncomingMessage, path: string, length: number): Promise<ReceivedBody> {
  let received = 0
  let sum = 0
  const summed = request.headers['x-amz-checksum-crc32'] !== undefined
  await pipeline(
    request,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        received += chunk.length
        if (summed) sum = crc32(chunk, sum)
        yield chunk
      }
    },
    createWriteStream(path),
  )
  expectLength(received, length)
  if (summed) expectCrc32(request.headers, sum)
  return { length, path }
}

export async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

async function drain(request: IncomingMessage): Promise<number> {
  let length = 0
  for await (const chunk of request) length += (chunk as Buffer).length
  return length
}

function expectLength(received: number, promised: number): void {
  if (received !== promised) throw new S3Refusal(400, 'IncompleteBody')
}

function verify(headers: IncomingHttpHeaders, chunks: readonly Buffer[]): void {
  const sum = chunks.reduce((value, chunk) => crc32(chunk, value), 0)
  if (headers['x-amz-checksum-crc32'] !== undefined) expectCrc32(headers, sum)
  const promised = headers['x-amz-content-sha256']
  if (typeof promised !== 'string' || !/^[0-9a-f]{64}$/.test(promised)) return
  const hash = createHash('sha256')
  for (const chunk of chunks) hash.update(chunk)
  if (hash.digest('hex') !== promised) throw new S3Refusal(400, 'XAmzContentSHA256Mismatch')
}

function expectCrc32(headers: IncomingHttpHeaders, sum: number): void {
  if (headers['x-amz-checksum-crc32'] !== base64OfCrc32(sum)) throw new S3Refusal(400, 'BadDigest')
}

function base64OfCrc32(sum: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(sum)
  return bytes.toString('base64')
}

function isAwsChunked(headers: IncomingHttpHeaders): boolean {
  const encoded = headers['content-encoding']?.includes('aws-chunked') === true
  return encoded || String(headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-')
}

/** `<hex length>[;chunk-signature=…]\r\n<bytes>\r\n` … `0\r\n`, trailers, `\r\n`. */
function decodeAwsChunked(body: Buffer, headers: IncomingHttpHeaders): Buffer {
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const end = body.indexOf('\r\n', at)
    const [size] = end === -1 ? [] : body.toString('latin1', at, end).split(';')
    if (size === undefined || !/^[0-9a-f]+$/i.test(size))
      throw new S3Refusal(400, 'IncompleteBody', 'not aws-chunked')
    const length = Number.parseInt(size, 16)
    at = end + 2
    if (length === 0) break
    chunks.push(body.subarray(at, at + length))
    if (body.toString('latin1', at + length, at + length + 2) !== '\r\n')
      throw new S3Refusal(400, 'IncompleteBody', 'not aws-chunked')
    at += length + 2
  }
  const decoded = Buffer.concat(chunks)
  expectLength(decoded.length, Number(headers['x-amz-decoded-content-length']))
  const trailer = /x-amz-checksum-crc32:\s*([^\r\n]+)/.exec(body.toString('latin1', at))?.[1]
  if (trailer !== undefined && trailer !== base64OfCrc32(crc32(decoded)))
    throw new S3Refusal(400, 'BadDigest')
  return decoded
}

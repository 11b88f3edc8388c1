/** The body of a put: bytes, or a staged file that is opened anew for each try. */
import { open, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { ObjectBody } from '../domain/ports.ts'

export function bodyLength(body: ObjectBody): number {
  return body.path === undefined ? body.bytes.byteLength : body.length
}

export interface OpenBody {
  readonly content: Buffer | Readable
  /** Aborts when the staged file cannot be read to its length: nobody else listens, and the request would wait for its bytes. */
  readonly failed: AbortSignal
  close(): Promise<void>
}

export async function openBody(body: ObjectBody): Promise<OpenBody> {
  const failure = new AbortController()
  if (body.path === undefined) {
    const { buffer, byteOffset, byteLength } = body.bytes
    const content = Buffer.from(buffer, byteOffset, byteLength)
    return { content, failed: failure.signal, close: async () => {} }
  }
  await expectLength(body.path, body.length)
  const file = await open(body.path, 'r')
  const content = file.createReadStream({ highWaterMark: 256 * 1024, autoClose: false })
  content.once('error', (error) => failure.abort(error))
  content.once('end', () => {
    if (content.bytesRead !== body.length) failure.abort(notAsLong(body.path, content.bytesRead, body.length))
  })
  const close = async (): Promise<void> => {
    content.destroy()
    await file.close()
  }
  return { content, failed: failure.signal, close }
}

async function expectLength(path: string, length: number): Promise<void> {
  const { size } = await stat(path)
  if (size !== length) throw notAsLong(path, size, length)
}

function notAsLong(path: string, size: number, length: number): Error {
  return new Error(`read staged object ${path}: ${size} bytes where ${length} were promised`)
}

/** Base64 of the big-endian CRC-32, as the header wants it. */
export async function crc32Of(body: ObjectBody): Promise<string> {
  let sum = 0
  if (body.path === undefined) sum = crc32(body.bytes)
  else {
    const file = await open(body.path, 'r')
    for await (const chunk of file.createReadStream({ highWaterMark: 256 * 1024 }))
      sum = crc32(chunk as Buffer, sum)
  }
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(sum)
  return bytes.toString('base64')
}

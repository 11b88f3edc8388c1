/** Compression of whole objects, off the event loop and with the same bytes everywhere. */
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Compression } from '../domain/delivery-stream.ts'

/** Extension (with its dot, or empty) and encoding as Firehose names compressed objects, measured. */
export function objectNaming(compression: Compression): {
  readonly extension: string
  readonly contentEncoding?: string
} {
  switch (compression) {
    case 'UNCOMPRESSED':
      return { extension: '' }
    case 'GZIP':
      return { extension: '.gz', contentEncoding: 'gzip' }
    default:
      throw new Error(`compress object: ${compression} is not there yet`)
  }
}

const LEVEL = 6

/** Passes the chunks of one object through its compression to `take`; resolves when `take` has had all. */
export async function compress(
  compression: Compression,
  source: AsyncIterable<Buffer>,
  take: (chunks: AsyncIterable<Buffer>) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  switch (compression) {
    case 'UNCOMPRESSED':
      return take(source)
    case 'GZIP':
      return pipeline(source, createGzip({ level: LEVEL }), withoutSystem, take, { signal })
    default:
      throw new Error(`compress object: ${compression} is not there yet`)
  }
}

/** Position of the operating system in a gzip header (RFC 1952), and its value for "unknown". */
const HEADER_OS = 9
const OS_UNKNOWN = 255

/** zlib writes no time into the header, but the system that it runs on. */
async function* withoutSystem(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let isFirst = true
  for await (const chunk of chunks) {
    if (isFirst) {
      if (chunk.length <= HEADER_OS) throw new Error('compress object: the gzip header came in pieces')
      chunk[HEADER_OS] = OS_UNKNOWN
      isFirst = false
    }
    yield chunk
  }
}

/**
 * Compression of whole objects: in the thread pool, with a few blocks in memory at a time, and to the same bytes in every
 * process of one Node version. Another may have another zlib, and make other bytes of the same records: objects are
 * recognized by their metadata, never by their bytes.
 */
import { pipeline } from 'node:stream/promises'
import { createDeflateRaw, createGzip } from 'node:zlib'
import type { Compression } from '../../domain/delivery-stream.ts'
import { unreachable } from '../../domain/errors.ts'
import { hadoopSnappy, xerialSnappy } from './snappy-blocks.ts'
import { ZipEntry } from './zip-entry.ts'

/**
 * Extension (with its dot, or empty) and encoding as Firehose gives them to compressed objects, seen on the real service.
 * AWS's pages name `.hsnappy`; the real extension of both Snappy formats is `.snappy`.
 */
export function objectNaming(compression: Compression): {
  readonly extension: string
  readonly contentEncoding?: string
} {
  switch (compression) {
    case 'UNCOMPRESSED':
      return { extension: '' }
    case 'GZIP':
      return { extension: '.gz', contentEncoding: 'gzip' }
    case 'ZIP':
      return { extension: '.zip', contentEncoding: 'zip' }
    case 'Snappy':
      return { extension: '.snappy', contentEncoding: 'snappy-java' }
    case 'HADOOP_SNAPPY':
      return { extension: '.snappy', contentEncoding: 'hadoop-snappy' }
    default:
      return unreachable(compression)
  }
}

/** `chunkSize`: of what comes out; it changes no byte, and fewer chunks are fewer turns of the event loop. */
const deflateOptions = { level: 6, chunkSize: 64 * 1024 }

/**
 * Passes the chunks of one object through its compression to `take`; resolves when `take` has had all. A chunk must not
 * change once it is given.
 *
 * @param entryName of the one file in a ZIP
 */
export async function compress(
  compression: Compression,
  source: AsyncIterable<Buffer>,
  take: (chunks: AsyncIterable<Buffer>) => Promise<void>,
  { entryName, signal }: { readonly entryName: string; readonly signal: AbortSignal },
): Promise<void> {
  switch (compression) {
    case 'UNCOMPRESSED':
      return pipeline(source, take, { signal })
    case 'GZIP':
      return pipeline(source, createGzip(deflateOptions), withoutSystem, take, { signal })
    case 'ZIP': {
      const entry = new ZipEntry(entryName)
      return pipeline(
        source,
        (content: AsyncIterable<Buffer>) => entry.measured(content),
        createDeflateRaw(deflateOptions),
        (deflated: AsyncIterable<Buffer>) => entry.archived(deflated),
        take,
        { signal },
      )
    }
    case 'Snappy':
      return pipeline(source, xerialSnappy, take, { signal })
    case 'HADOOP_SNAPPY':
      return pipeline(source, hadoopSnappy, take, { signal })
    default:
      return unreachable(compression)
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

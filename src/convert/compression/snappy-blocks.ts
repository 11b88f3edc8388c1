/**
 * The two Snappy formats of Firehose. Both are blocks of raw Snappy, each with its length before it (big endian), and
 * neither is the framing format that Snappy itself describes. Where the blocks are cut does not depend on how the bytes
 * came, so that the same bytes make the same object.
 */
import { compress } from 'snappy'

/** What snappy-java's SnappyOutputStream begins with: its magic, its version, and the oldest version that can read it. */
const XERIAL_HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
/** Its default. */
const XERIAL_BLOCK_BYTES = 32 * 1024

/**
 * Hadoop's SnappyCodec cuts what is written at once so that it fits its buffer of 256 KiB, and a smaller buffer may be
 * configured where it is read. Snappy looks for repetitions within 64 KiB, so larger blocks would save nothing.
 */
const HADOOP_BLOCK_BYTES = 64 * 1024

/** Blocks that are compressed at a time: a call has its price, and there are four threads unless the pool is made larger. */
const BLOCKS_AT_ONCE = 8

/** Into memory of V8's own: half a MiB attached to it from outside, in small pieces, costs more than the copy. */
const INTO_OWN_MEMORY = { copyOutputData: true }

/** snappy-java's stream (github.com/xerial/snappy-java): a header, then [bytes, block] for each block. */
export async function* xerialSnappy(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield XERIAL_HEADER
  for await (const [block] of compressedBlocks(source, XERIAL_BLOCK_BYTES)) {
    yield uint32(block.length)
    yield block
  }
}

/** Hadoop's BlockCompressorStream: [bytes before compression, bytes, block] for each block, and no header. */
export async function* hadoopSnappy(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const [block, bytesBefore] of compressedBlocks(source, HADOOP_BLOCK_BYTES)) {
    yield uint32(bytesBefore, block.length)
    yield block
  }
}

function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index)
  return bytes
}

/** Each block in raw Snappy, and how many bytes it was before; in order. */
async function* compressedBlocks(
  source: AsyncIterable<Buffer>,
  blockBytes: number,
): AsyncGenerator<readonly [block: Buffer, bytesBefore: number]> {
  let group: Buffer[] = []
  for await (const block of blocks(source, blockBytes)) {
    group.push(block)
    if (group.length < BLOCKS_AT_ONCE) continue
    yield* await compressedGroup(group)
    group = []
  }
  yield* await compressedGroup(group)
}

async function compressedGroup(group: readonly Buffer[]): Promise<[Buffer, number][]> {
  return Promise.all(
    group.map(async (block): Promise<[Buffer, number]> => {
      return [await compress(block, INTO_OWN_MEMORY), block.length]
    }),
  )
}

/** The bytes in blocks of `size`, but for the last. */
async function* blocks(source: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let begun: Buffer[] = []
  let missing = size
  for await (const chunk of source) {
    let start = 0
    while (chunk.length - start >= missing) {
      const last = chunk.subarray(start, start + missing)
      yield begun.length === 0 ? last : Buffer.concat([...begun, last])
      start += missing
      begun = []
      missing = size
    }
    if (start < chunk.length) begun.push(chunk.subarray(start))
    missing -= chunk.length - start
  }
  if (begun.length > 0) yield Buffer.concat(begun)
}

/** Frames in a staging file, for another process or for a second reading: each after its length in bytes, u32. */
import { open, readFile } from 'node:fs/promises'
import { Frame } from '../domain/frame.ts'
import { StagingFile } from './staging-file.ts'

/** To a new file. */
export async function writeFrames(
  path: string,
  frames: AsyncIterable<Frame>,
  signal?: AbortSignal,
): Promise<void> {
  const file = await StagingFile.create(path)
  try {
    for await (const { buffer } of frames) {
      signal?.throwIfAborted()
      const length = Buffer.allocUnsafe(4)
      length.writeUInt32LE(buffer.length)
      file.add(length)
      file.add(buffer)
      if (file.isFull) await file.flush()
    }
  } finally {
    await file.close()
  }
}

export async function* readFrames(path: string): AsyncGenerator<Frame> {
  const file = await open(path, 'r')
  try {
    const length = Buffer.alloc(4)
    for (let offset = 0; (await file.read(length, 0, 4, offset)).bytesRead === 4;) {
      const buffer = Buffer.allocUnsafe(length.readUInt32LE())
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset + 4)
      if (bytesRead < buffer.length) throw new Error(`read ${path}: a frame is cut off`)
      yield new Frame(buffer)
      offset += 4 + buffer.length
    }
  } finally {
    await file.close()
  }
}

/** Numbers of a batch's records, u32 each, to a new file. */
export async function writeNumbers(
  path: string,
  { buffer, byteOffset, byteLength }: Uint32Array,
): Promise<void> {
  const file = await StagingFile.create(path)
  file.add(Buffer.from(buffer, byteOffset, byteLength))
  await file.close()
}

export async function readNumbers(path: string): Promise<Uint32Array> {
  const { buffer, byteOffset, byteLength } = await readFile(path)
  return new Uint32Array(buffer.slice(byteOffset, byteOffset + byteLength))
}

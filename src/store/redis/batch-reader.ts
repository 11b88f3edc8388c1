/**
 * Reads a sealed batch in slices of bounded bytes. The sizes of the frames are kept beside them, so that a slice is cut
 * by bytes however uneven the frames are.
 */
import type { BatchRef } from '../../domain/batch.ts'
import { BufferUnavailableError, FrameError } from '../../domain/errors.ts'
import type { Frame } from '../../domain/frame.ts'
import { unpackFrame } from '../frame-codec.ts'
import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'

/** A longer answer would keep Redis from others, and is held in memory whole. A single frame may be longer. */
const SLICE_BYTES_MAX = 4 * 1024 * 1024
const SIZE_BYTES = 4

/** Frames that are kept in one list. */
interface Kept {
  /** Opens the message of an error. */
  readonly doing: string
  readonly frames: number
  readonly list: string
  readonly sizes: string
}

export async function* readBatch(
  connection: Connection,
  keys: Keys,
  batch: BatchRef,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  const { batch: hash, frames: list, sizes } = keys.batch(batch)
  const doing = `read batch ${batch.batchId}`
  const count = await connection.call(doing, (client) => client.hget(hash, 'frames'), { signal })
  if (count === null) throw gone(doing, batch)
  yield* readKept(connection, batch, signal, { doing, frames: Number(count), list, sizes })
}

/** Of what a transform made of the batch. */
export async function* readDerivedBatch(
  connection: Connection,
  keys: Keys,
  batch: BatchRef,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  const { batch: hash, derived: list, derivedSizes: sizes } = keys.batch(batch)
  const doing = `read derived frames of batch ${batch.batchId}`
  const [state, derived, count] = await connection.call(
    doing,
    (client) => client.hmget(hash, 'state', 'derived', 'derivedFrames'),
    { signal },
  )
  if (typeof state !== 'string') throw gone(doing, batch)
  if (derived !== '1') throw new Error(`${doing}: there are none`)
  yield* readKept(connection, batch, signal, { doing, frames: Number(count), list, sizes })
}

async function* readKept(
  connection: Connection,
  batch: BatchRef,
  signal: AbortSignal,
  { doing, frames, list, sizes: sizesKey }: Kept,
): AsyncGenerator<Frame> {
  const sizes = await connection.call(doing, (client) => client.getBuffer(sizesKey), { signal })
  if (sizes === null) throw gone(doing, batch)
  if (sizes.length !== frames * SIZE_BYTES) {
    throw new FrameError(`${doing}: ${sizes.length / SIZE_BYTES} sizes are kept of ${frames} frames`)
  }
  for (let start = 0; start < frames;) {
    const end = sliceEnd(sizes, start, frames)
    const from = start
    const slice = await connection.call(doing, (client) => client.lrangeBuffer(list, from, end - 1), {
      signal,
    })
    if (slice.length !== end - start) throw gone(doing, batch)
    for (const [index, stored] of slice.entries()) {
      signal.throwIfAborted()
      yield unpack(stored, doing, start + index)
    }
    start = end
  }
}

function sliceEnd(sizes: Buffer, start: number, frames: number): number {
  let end = start
  let bytes = 0
  while (end < frames) {
    bytes += sizes.readUInt32LE(end * SIZE_BYTES)
    if (bytes > SLICE_BYTES_MAX && end > start) break
    end += 1
  }
  return end
}

function unpack(stored: Buffer, doing: string, index: number): Frame {
  try {
    return unpackFrame(stored)
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    const what = error.message.replace(/^read frame: /, '')
    throw new FrameError(`${doing}, frame ${index}: ${what}`, error.newer)
  }
}

/** Another process has discarded it: a reader that sees a part of it must not take that for the whole. */
function gone(doing: string, batch: BatchRef): BufferUnavailableError {
  return new BufferUnavailableError(`${doing} of ${batch.stream.name}: it is gone`, {
    hint: 'another process has finished this batch; nothing is to be done',
  })
}

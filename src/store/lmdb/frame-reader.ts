/** A sealed batch's frames, a few in memory at a time, copied out of the mapped file. */
import { setImmediate } from 'node:timers/promises'
import { batchSequence, type BatchRef } from '../../domain/batch.ts'
import { FrameError } from '../../domain/errors.ts'
import type { Frame } from '../../domain/frame.ts'
import { unpackFrame } from '../frame-codec.ts'
import type { LmdbDatabase } from './database.ts'

/** Frames whose pages are fetched from disk at once, by lmdb's threads, before they are read on the event loop. */
const FRAMES_AHEAD = 16
/** Read bytes after which other work of the event loop gets its turn. */
const TURN_BYTES = 1024 * 1024

export async function* readFrames(
  db: LmdbDatabase,
  batch: BatchRef,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  const what = `read batch ${batch.batchId}`
  const { incarnation } = batch.stream
  const sequence = batchSequence(batch.batchId)
  db.assertOpen(what)
  const stored = db.batches.get([incarnation, sequence])
  if (stored?.batchId !== batch.batchId) throw new Error(`${what}: it is gone`)
  let turnBytes = 0
  for (let first = stored.firstAppend; first <= stored.lastAppend; first += FRAMES_AHEAD) {
    const end = Math.min(first + FRAMES_AHEAD, stored.lastAppend + 1)
    const keys = Array.from({ length: end - first }, (_, index): [string, number, number] => [
      incarnation,
      sequence,
      first + index,
    ])
    await db.frames.prefetch(keys)
    for (const key of keys) {
      signal.throwIfAborted()
      db.assertOpen(what)
      const packed = db.frames.get(key)
      if (packed === undefined) throw missing(db, batch, key[2])
      yield unpackFrame(packed)
      turnBytes += packed.length
      if (turnBytes < TURN_BYTES) continue
      turnBytes = 0
      await setImmediate()
    }
  }
}

/** A frame is missing because its batch was discarded meanwhile, or because the file is damaged. */
function missing(db: LmdbDatabase, batch: BatchRef, append: number): Error {
  const stored = db.batches.get([batch.stream.incarnation, batchSequence(batch.batchId)])
  return stored?.batchId === batch.batchId
    ? new FrameError(`read batch ${batch.batchId}: the frame of append ${append} is missing`)
    : new Error(`read batch ${batch.batchId}: it is gone`)
}

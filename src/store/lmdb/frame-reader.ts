/** A sealed batch's frames, a few in memory at a time, copied out of the mapped file. */
import { setImmediate } from 'node:timers/promises'
import type { Database, Key } from 'lmdb'
import { batchSequence, type BatchRef } from '../../domain/batch.ts'
import { FrameError } from '../../domain/errors.ts'
import type { Frame } from '../../domain/frame.ts'
import { unpackFrame } from '../frame-codec.ts'
import type { LmdbDatabase } from './database.ts'
import type { StoredBatch } from './layout.ts'

/** Frames whose pages are fetched from disk at once, by lmdb's threads, before they are read on the event loop. */
const FRAMES_AHEAD = 16
/** Read bytes after which other work of the event loop gets its turn. */
const TURN_BYTES = 1024 * 1024

/** Frames that follow each other in one of the file's databases. */
interface Kept<K extends Key> {
  readonly database: Database<Buffer, K>
  readonly first: number
  readonly last: number
  readonly keyOf: (position: number) => K
  /** Names one of them in an error. */
  readonly nameOf: (position: number) => string
}

export async function* readFrames(
  db: LmdbDatabase,
  batch: BatchRef,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  const what = `read batch ${batch.batchId}`
  const { firstAppend, lastAppend } = storedBatch(db, batch, what)
  const { incarnation } = batch.stream
  const sequence = batchSequence(batch.batchId)
  yield* readKept(db, batch, signal, what, {
    database: db.frames,
    first: firstAppend,
    last: lastAppend,
    keyOf: (append) => [incarnation, sequence, append],
    nameOf: (append) => `the frame of append ${append}`,
  })
}

export async function* readDerivedFrames(
  db: LmdbDatabase,
  batch: BatchRef,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  const what = `read derived frames of batch ${batch.batchId}`
  const { derivation } = storedBatch(db, batch, what)
  if (derivation?.isWhole !== true) throw new Error(`${what}: there are none`)
  const { incarnation } = batch.stream
  const sequence = batchSequence(batch.batchId)
  yield* readKept(db, batch, signal, what, {
    database: db.derived,
    first: 0,
    last: derivation.frames - 1,
    keyOf: (index) => [incarnation, sequence, derivation.number, index],
    nameOf: (index) => `derived frame ${index}`,
  })
}

async function* readKept<K extends Key>(
  db: LmdbDatabase,
  batch: BatchRef,
  signal: AbortSignal,
  what: string,
  { database, first, last, keyOf, nameOf }: Kept<K>,
): AsyncGenerator<Frame> {
  let turnBytes = 0
  for (let ahead = first; ahead <= last; ahead += FRAMES_AHEAD) {
    const end = Math.min(ahead + FRAMES_AHEAD, last + 1)
    const positions = Array.from({ length: end - ahead }, (_, index) => ahead + index)
    await database.prefetch(positions.map(keyOf))
    for (const position of positions) {
      signal.throwIfAborted()
      db.assertOpen(what)
      const packed = database.get(keyOf(position))
      if (packed === undefined) {
        // Its batch was discarded meanwhile, or the file is damaged.
        storedBatch(db, batch, what)
        throw new FrameError(`${what}: ${nameOf(position)} is missing`)
      }
      yield unpackFrame(packed)
      turnBytes += packed.length
      if (turnBytes < TURN_BYTES) continue
      turnBytes = 0
      await setImmediate()
    }
  }
}

/** Throws when the batch is gone. */
function storedBatch(db: LmdbDatabase, batch: BatchRef, what: string): StoredBatch {
  db.assertOpen(what)
  const stored = db.batches.get([batch.stream.incarnation, batchSequence(batch.batchId)])
  if (stored?.batchId !== batch.batchId) throw new Error(`${what}: it is gone`)
  return stored
}

/** What a transform made of a batch, in Redis. Its bytes are among those that the batch, its stream and the budget hold. */
import { randomBytes } from 'node:crypto'
import type { BatchRef } from '../../domain/batch.ts'
import type { Frame } from '../../domain/frame.ts'
import { keepDerived, type NotTaken } from '../derivation.ts'
import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'
import { scripts } from './scripts.ts'

/** @param connection is not the one that appends: a step of megabytes must not hold them up */
export function deriveBatch(
  connection: Connection,
  keys: Keys,
  batch: BatchRef,
  frames: AsyncIterable<Frame>,
  signal: AbortSignal,
): Promise<void> {
  const doing = `derive batch ${batch.batchId}`
  const { batch: hash, derived, derivedSizes } = keys.batch(batch)
  const { stream } = keys.stream(batch.stream)
  const changed = [hash, stream, keys.budget, derived, derivedSizes]
  return keepDerived<string>(doing, frames, signal, {
    begin: async () => {
      const answer = await connection.script(doing, scripts.deriveBegin, [hash, stream], [])
      // A Redis that lost its tail draws a number again; the name still tells the two apart.
      return typeof answer === 'number'
        ? { kind: 'begun', id: `${answer}-${randomBytes(8).toString('hex')}` }
        : { kind: answer as NotTaken }
    },
    take: async (id, { before, packed, isLast }) => {
      const argv = [id, before, isLast ? 'last' : 'more', ...packed]
      return (await connection.script(doing, scripts.derive, changed, argv)) as 'taken' | NotTaken
    },
    abandon: async (id) => {
      await connection.script(doing, scripts.deriveAbandon, changed, [id])
    },
  })
}

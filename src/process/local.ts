/** What comes before the transform, and is a function of the records alone: decompression and de-aggregation of a piece. */
import type { Processing } from '../domain/delivery-stream.ts'
import type { ProcessInput } from '../domain/ports.ts'
import { deaggregate } from './deaggregate.ts'
import { decompress } from './decompress.ts'
import { Piece, type Make, type PieceLimits } from './piece.ts'
import { Tally } from './tally.ts'

export interface PieceOptions {
  readonly limits: PieceLimits
  /** Called each time that the piece, or the rest of the batch, was read to its end. */
  readonly count: (tally: Tally) => void
}

/** Undefined where nothing makes others of the records. */
export function localPiece(
  { plan, frames, piece: start, signal }: Pick<ProcessInput, 'plan' | 'frames' | 'piece' | 'signal'>,
  { limits, count }: PieceOptions,
): Piece | undefined {
  const { processing } = plan.destination
  if (processing === undefined || !isLocal(processing)) return undefined
  const { decompression, cloudWatchLogs, deaggregation } = processing
  const make: Make = async function* (received, inflation) {
    const tally = new Tally()
    let made = received
    if (decompression !== undefined) {
      const messagesOnly = cloudWatchLogs?.messagesOnly === true
      made = decompress(made, { messagesOnly, inflation, tally, signal })
    }
    if (deaggregation !== undefined) made = deaggregate(made, deaggregation, { tally, signal })
    yield* made
    count(tally)
  }
  return new Piece(start, frames, make, limits)
}

export function isLocal({ decompression, deaggregation }: Processing = {}): boolean {
  return decompression !== undefined || deaggregation !== undefined
}

/**
 * How a store keeps what a transform made of a batch. That may be a gigabyte, so it is taken in many steps, under an id that
 * orders one derivation after another: the first frames of a later one remove what an earlier one has left, and from then on
 * the earlier one is refused. The last step, atomic as each is, makes a derivation whole; nothing takes its place any more.
 */
import { BufferUnavailableError, unreachable } from '../domain/errors.ts'
import type { Frame } from '../domain/frame.ts'
import { packFrame } from './frame-codec.ts'

/** Bytes, and frames, of one step: a store serves nobody else meanwhile, and a step waits for the disk. */
const STEP_BYTES = 2 * 1024 * 1024
const STEP_FRAMES = 512

/** Why a store takes nothing of a derivation. */
export type NotTaken =
  /** A whole one is kept: this one, or another that was first. */
  | 'kept'
  /** A later one has begun, or what was taken of this one was removed. */
  | 'overtaken'
  | 'gone'
  | 'quarantined'
  /** Its plan is not pinned, so that the next attempt might transform it otherwise. */
  | 'unplanned'

/** One step of a derivation: frames that follow the first `before` ones. */
export interface DerivationStep {
  readonly before: number
  readonly packed: readonly Buffer[]
  readonly isLast: boolean
}

/** The steps as a store takes them; each may be sent twice. */
export interface DerivationSteps<Id> {
  /** An id that is later than all before. It changes nothing for the others yet. */
  begin(): Promise<{ readonly kind: 'begun'; readonly id: Id } | { readonly kind: NotTaken }>
  take(id: Id, step: DerivationStep): Promise<'taken' | NotTaken>
  /** Removes what was taken under this id, if it is not whole. */
  abandon(id: Id): Promise<void>
}

/** @param doing opens the message of an error: `derive batch 7-…` */
export async function keepDerived<Id>(
  doing: string,
  frames: AsyncIterable<Frame>,
  signal: AbortSignal,
  steps: DerivationSteps<Id>,
): Promise<void> {
  const begun = await steps.begin()
  if (begun.kind !== 'begun') return settle(doing, begun.kind)
  const { id } = begun
  try {
    for await (const step of stepsOf(doing, frames)) {
      signal.throwIfAborted()
      const answer = await steps.take(id, step)
      if (answer !== 'taken') return settle(doing, answer)
    }
  } catch (error) {
    // What cannot be removed now goes with the next derivation, or with its batch.
    await steps.abandon(id).catch(() => undefined)
    throw error
  }
}

async function* stepsOf(doing: string, frames: AsyncIterable<Frame>): AsyncGenerator<DerivationStep> {
  let before = 0
  let packed: Buffer[] = []
  let bytes = 0
  for await (const frame of frames) {
    if (bytes >= STEP_BYTES || packed.length >= STEP_FRAMES) {
      yield { before, packed, isLast: false }
      before += packed.length
      packed = []
      bytes = 0
    }
    const stored = packFrame(frame)
    packed.push(stored)
    bytes += stored.length
  }
  if (packed.length === 0) throw new Error(`${doing}: there are no frames`)
  yield { before, packed, isLast: true }
}

/** Nothing more is to be done, or it rejects. */
function settle(doing: string, kind: NotTaken): void {
  switch (kind) {
    case 'kept':
      return
    case 'overtaken':
      throw new BufferUnavailableError(`${doing}: a later attempt has taken its place`, {
        hint: 'another attempt transforms this batch; nothing is to be done',
      })
    case 'gone':
      throw new BufferUnavailableError(`${doing}: it is gone`, {
        hint: 'another process has finished this batch; nothing is to be done',
      })
    case 'quarantined':
      throw new BufferUnavailableError(`${doing}: it was quarantined meanwhile`, {
        hint: 'an operator may release it',
      })
    case 'unplanned':
      throw new Error(`${doing}: its plan is not pinned`)
    default:
      return unreachable(kind)
  }
}

/**
 * Who may call a transform. There are a few turns; a batch has one while its calls are under way. A stream is slow once a
 * batch of it had its turn for longer than a minute, until one takes less. That is how transforms that are down are told
 * from others, and they must not have all turns, nor one of them all that there are for the slow:
 *
 * - the slow streams together take all turns but one;
 * - where a stream that has none finds none free, a slow stream that has several gives up the one it took last;
 * - where slow streams have all turns, as they had taken them before they were slow, and one that is not slow wants one, the
 *   last that was taken is given up.
 *
 * A stream that is not slow never gives up a turn, and a slow one keeps one while another slow one waits.
 */
import type { Clock } from '../domain/ports.ts'

const SLOW_MS = 60_000

export interface TurnsOptions {
  /** At least 2. */
  readonly turns: number
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** How many are taken now. */
  readonly changed: (taken: number) => void
}

interface Turn {
  readonly incarnation: string
  readonly startedMs: number
  readonly givenUp: AbortController
}

export class Turns {
  readonly #options: TurnsOptions
  /** In the order in which they were taken. */
  readonly #taken = new Set<Turn>()
  /** Incarnations whose last turn that came to its end was long. */
  readonly #wereSlow = new Set<string>()

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  /** Whether there is a turn for a batch of this stream. Where there is none one may be given up, and be free soon. */
  isFree(incarnation: string): boolean {
    const isFree = this.#isFree(incarnation)
    if (!isFree) this.#askForOne(incarnation)
    return isFree
  }

  /** Rejects at once when there is no turn. @param run gets a signal that comes when its turn is to be given up */
  async take<T>(incarnation: string, run: (givenUp: AbortSignal) => Promise<T>): Promise<T> {
    const { turns, clock, changed } = this.#options
    if (!this.isFree(incarnation)) {
      throw new Error(`call transform: others of this process have its ${turns} turns, and it waits for one`)
    }
    const turn: Turn = { incarnation, startedMs: clock.monotonicMs(), givenUp: new AbortController() }
    this.#taken.add(turn)
    changed(this.#taken.size)
    try {
      const result = await run(turn.givenUp.signal)
      if (!this.#isLong(turn)) this.#wereSlow.delete(incarnation)
      return result
    } finally {
      if (this.#isLong(turn)) this.#wereSlow.add(incarnation)
      this.#taken.delete(turn)
      changed(this.#taken.size)
    }
  }

  #isFree(incarnation: string): boolean {
    const { turns } = this.#options
    if (this.#taken.size >= turns) return false
    return !this.#isSlow(incarnation) || this.#ofSlow().length < turns - 1
  }

  #isSlow(incarnation: string): boolean {
    if (this.#wereSlow.has(incarnation)) return true
    return [...this.#taken].some((turn) => turn.incarnation === incarnation && this.#isLong(turn))
  }

  #isLong({ startedMs }: Turn): boolean {
    return this.#options.clock.monotonicMs() - startedMs > SLOW_MS
  }

  #ofSlow(): Turn[] {
    return [...this.#taken].filter(({ incarnation }) => this.#isSlow(incarnation))
  }

  #askForOne(incarnation: string): void {
    const taken = [...this.#taken]
    const turnsOf = (one: string): number => taken.filter((turn) => turn.incarnation === one).length
    if (turnsOf(incarnation) > 0 || taken.some(({ givenUp }) => givenUp.signal.aborted)) return
    const lastFirst = this.#ofSlow().toReversed()
    const hasAll = !this.#isSlow(incarnation) && lastFirst.length === this.#options.turns
    const turn = lastFirst.find((one) => turnsOf(one.incarnation) > 1) ?? (hasAll ? lastFirst[0] : undefined)
    turn?.givenUp.abort(
      new Error(
        'call transform: its turn was given up, it took longer than a minute and others waited for one',
      ),
    )
  }
}

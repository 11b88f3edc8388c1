/** Deliveries that go on when the test says so, and what they came to. Those of names below 100 lend their places. */
import { expect } from 'vitest'
import { keepPlace, type Deliver } from '../../../src/deliver/queue.ts'
import type { BatchRef } from '../../../src/domain/batch.ts'

type Step = 'begins' | 'lends' | 'has its place again' | 'is let go' | 'ends'

export class Deliveries {
  /** What came to pass, in order. */
  readonly steps: string[] = []
  /** Deliveries that have begun and not ended. */
  open = 0
  mostOpen = 0
  /** Most that had a place at a time. */
  mostHeld = 0
  #held = 0
  readonly #gates = new Map<string, () => void>()

  /** Waits with its place lent for `answer`, and with its place for `end`. */
  readonly deliver: Deliver = async ({ batchId }, signal, lend = keepPlace) => {
    const name = nameOf(batchId)
    this.open += 1
    this.mostOpen = Math.max(this.mostOpen, this.open)
    this.#told(name, 'begins', 1)
    try {
      if (name < 100) {
        // As in any delivery: by then the queue has gone on to wait.
        await new Promise((resolve) => setImmediate(resolve))
        this.#told(name, 'lends', -1)
        await lend((own) => this.#gate(`answer ${name}`, own), signal)
        this.#told(name, 'has its place again', 1)
      }
      await this.#gate(`end ${name}`, signal)
      this.#told(name, 'ends', -1)
    } catch {
      this.#told(name, 'is let go', 0)
    }
    this.open -= 1
    return { kind: 'finished' }
  }

  go(gate: string): void {
    const open = this.#gates.get(gate)
    if (open === undefined) throw new Error(`nobody waits for ${gate}`)
    this.#gates.delete(gate)
    open()
  }

  goAll(): void {
    for (const gate of this.#gates.keys()) this.go(gate)
  }

  async reached(...steps: readonly string[]): Promise<void> {
    await expect.poll(() => this.steps, { timeout: 20_000, interval: 10 }).toEqual(steps)
  }

  #told(name: number, step: Step, held: number): void {
    this.#held += held
    this.mostHeld = Math.max(this.mostHeld, this.#held)
    this.steps.push(`${name} ${step}`)
  }

  #gate(name: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopped = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', stopped)
      this.#gates.set(name, () => {
        signal.removeEventListener('abort', stopped)
        resolve()
      })
    })
  }
}

export const batch = (name: number): BatchRef => ({
  stream: { name: `stream${name}`, incarnation: '00000000000000aa' },
  batchId: `${name}-0000000000000001`,
})

export const nameOf = (batchId: string): number => Number(batchId.split('-')[0])

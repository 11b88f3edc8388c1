/**
 * What became of source records, when one may be made into several (G3). A source record is failed if a part of it failed,
 * delivered if all that it yielded landed, dropped if it yielded nothing. Parts come in the order of their sources, so one
 * source is held at a time.
 */
import type { LocatedFailure } from './failed-records.ts'

/** `row`: for the encoder. `nothing`: dropped, or its object holds nothing. */
export type Part = 'row' | 'failed' | 'nothing'

/** Counts the sources that have a part for the encoder and none that failed before it. */
export class YieldingSources {
  #source = -1
  #yields = false
  #failed = false
  #count = 0

  add(source: number, part: Part): void {
    if (source !== this.#source) {
      assertOrder(this.#source, source)
      this.#close()
      this.#source = source
    }
    if (part === 'row') this.#yields = true
    if (part === 'failed') this.#failed = true
  }

  /** After the last part. */
  finish(): number {
    this.#close()
    return this.#count
  }

  #close(): void {
    if (this.#yields && !this.#failed) this.#count += 1
    this.#yields = false
    this.#failed = false
  }
}

export interface FailedSourceCounts {
  readonly failed: number
  /** Those of them that failed at the encoder alone. */
  readonly refused: number
  /** By the code of the first failure of each; their sum is `failed`. */
  readonly errors: Readonly<Record<string, number>>
}

/** Counts the sources of failures. */
export class FailedSources {
  #source = -1
  #isRefused = false
  #failed = 0
  #refused = 0
  readonly #errors = new Map<string, number>()

  add({ ordinal, code, decidedBy }: Pick<LocatedFailure, 'ordinal' | 'code' | 'decidedBy'>): void {
    if (ordinal !== this.#source) {
      assertOrder(this.#source, ordinal)
      this.#close()
      this.#source = ordinal
      this.#isRefused = true
      this.#failed += 1
      this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1)
    }
    if (decidedBy !== 'encoder') this.#isRefused = false
  }

  /** After the last failure. */
  finish(): FailedSourceCounts {
    this.#close()
    return {
      failed: this.#failed,
      refused: this.#refused,
      errors: Object.fromEntries(this.#errors),
    }
  }

  #close(): void {
    if (this.#isRefused) this.#refused += 1
    this.#isRefused = false
  }
}

function assertOrder(last: number, next: number): void {
  if (next < last) throw new Error(`count source records: ${next} comes after ${last}`)
}

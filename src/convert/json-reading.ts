/** What the readers of a row's values share: the place in its text, what did not fit, and how much it takes. */
import type { HiveValue } from './hive-values.ts'
import type { JsonCursor } from './json-cursor.ts'
import { refusals } from './refusal.ts'
import type { Verdict } from './verdicts.ts'

/** Reads the value at the cursor, which is `depth` objects and arrays deep. What does not fit is null and has a verdict. */
export type ReadJson = (depth: number) => HiveValue | null

/**
 * What the values of a row may weigh: about the bytes they take beyond those of the record. A few bytes can stand for much
 * more: `[{},{}]` for structs of a thousand nulls, `""` for 255 blanks, a scalar for arrays inside each other.
 */
export const ROW_WEIGHT_MAX = 32 * 1024 * 1024

export class Reading {
  readonly json: JsonCursor
  #verdict: Verdict | undefined
  #weight = 0

  constructor(json: JsonCursor) {
    this.json = json
  }

  /** Whatever became of the row before. */
  startRow(): void {
    this.#weight = 0
    this.#verdict = undefined
  }

  weigh(weight: number): void {
    this.#weight += weight
    if (this.#weight > ROW_WEIGHT_MAX) throw refusals.heavy
  }

  /** The first value that does not fit is the one that is told. Its JSON lies behind us. */
  refuse(verdict: Verdict): null {
    this.#verdict ??= verdict
    return null
  }

  /** What did not fit since this was last asked. */
  takeVerdict(): Verdict | undefined {
    const verdict = this.#verdict
    if (verdict !== undefined) this.#verdict = undefined
    return verdict
  }
}

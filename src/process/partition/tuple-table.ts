/**
 * Tuples of values of keys, each once, by number. Beyond a limit of partitions a tuple that is new is not kept: it can begin
 * no partition, since all before it have.
 */
import type { RecordVerdict } from '../../domain/record-metadata.ts'
import { valueProblem } from './prefix-rules.ts'
import { longValue, tooManyPartitions, type Verdicts } from './verdicts.ts'
import { TOO_LONG } from '../jq/query-program.ts'

export type TupleValues = readonly (string | null | typeof TOO_LONG)[]

/** Of values that no partition can have; they must not take the place of one that can. */
export type ProblemOf = (values: readonly string[]) => RecordVerdict | undefined

export class TupleTable {
  readonly #tuples: (readonly string[])[] = []
  readonly #numbers = new Map<string, number>()
  readonly #verdicts: Verdicts
  readonly #noValue: RecordVerdict
  readonly #problemOf: ProblemOf

  /** @param noValue of a record that lacks a value @param problemOf what is wrong with values that are good one by one */
  constructor(verdicts: Verdicts, noValue: RecordVerdict, problemOf: ProblemOf) {
    this.#verdicts = verdicts
    this.#noValue = noValue
    this.#problemOf = problemOf
  }

  get size(): number {
    return this.#tuples.length
  }

  /** No more numbers will be asked for, only tuples. */
  end(): void {
    this.#numbers.clear()
  }

  tuple(number: number): readonly string[] {
    return this.#tuples[number] ?? []
  }

  /**
   * Its number, or the place of a verdict.
   *
   * @param isKept false: no new one is taken
   */
  number(values: TupleValues, isKept: boolean): number {
    const tuple: string[] = []
    for (const value of values) {
      if (value === TOO_LONG) return this.#verdicts.place(longValue)
      if (value === null || value === '') return this.#verdicts.place(this.#noValue)
      tuple.push(value.replace(/\p{Surrogate}/gu, '\ufffd'))
    }
    const text = tuple.length === 1 ? (tuple[0] ?? '') : JSON.stringify(tuple)
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    for (const value of tuple) {
      const problem = valueProblem(value)
      if (problem !== undefined) return this.#verdicts.place(problem)
    }
    const problem = this.#problemOf(tuple)
    if (problem !== undefined) return this.#verdicts.place(problem)
    if (!isKept) return this.#verdicts.place(tooManyPartitions)
    this.#numbers.set(text, this.size)
    return this.#tuples.push(tuple) - 1
  }
}

/**
 * What a transform answered against its contract in one batch. The first such call is logged at once; a batch has thousands of
 * calls, so the others are logged together at its end.
 */
import type { Log } from '../../account/log.ts'
import type { RecordAnswer } from './codes.ts'

/** Records without an answer that the contract knows, by code. */
type Errors = Readonly<Record<string, number>>

export interface BreachesOptions {
  readonly deliveryStream: string
  readonly batchId: string
  /** A function, or the address of a URL. */
  readonly target: string
  readonly log: Log
}

export class Breaches {
  readonly #options: BreachesOptions
  readonly #errors: Record<string, number> = {}
  #calls = 0
  #records = 0

  constructor(options: BreachesOptions) {
    this.#options = options
  }

  /** Looks at the answers of one call. @param call what is told of it */
  see(answers: readonly RecordAnswer[], call: { readonly bytes: number; readonly attempt: number }): void {
    const errors = errorsIn(answers)
    if (errors === undefined) return
    this.#calls += 1
    this.#records += answers.length
    for (const [code, count] of Object.entries(errors)) this.#errors[code] = (this.#errors[code] ?? 0) + count
    if (this.#calls > 1) return
    const { log, ...fields } = this.#options
    log.warn({ ...fields, records: answers.length, ...call, errors }, 'transform broke its contract')
  }

  /** After the last call. */
  finish(): void {
    if (this.#calls < 2) return
    const { log, ...fields } = this.#options
    log.warn(
      { ...fields, calls: this.#calls, records: this.#records, errors: this.#errors },
      'transform broke its contract in several calls',
    )
  }
}

/** Undefined when all records have an answer. */
function errorsIn(answers: readonly RecordAnswer[]): Errors | undefined {
  const errors: Record<string, number> = {}
  for (const answer of answers) {
    if (answer.kind !== 'failed' || answer.code === 'Lambda.ProcessingFailedStatus') continue
    errors[answer.code] = (errors[answer.code] ?? 0) + 1
  }
  return Object.keys(errors).length === 0 ? undefined : errors
}

/**
 * Runs a query over the records of a batch, a block of them at a time, in a thread of its own (docs/decisions says why so).
 *
 * What a record gets depends on the records that were run before it and on nothing else: jq's steps are counted, not its
 * time. A block that takes more than the allowance is ended at the record that it has reached. That record is tried again as
 * the first one of a new thread, with the whole allowance to itself; if it ends there too, it fails, and the others go on.
 */
import type { QueryLimits } from '../../domain/plan.ts'
import type { Log } from '../../account/log.ts'
import type { JqEnd } from './jq-instance.ts'
import { blockProgram, readAnswer, type QueryAnswer } from './query-program.ts'
import { QueryThread, type Deadline, type Ran } from './query-thread.ts'
import { NOT_JSON, type BlockLines, type RecordBlock } from './query-messages.ts'

export interface QueryRunOptions extends QueryLimits {
  readonly query: string
  /** Keys whose values are wanted. */
  readonly keys: readonly string[]
  /** What `now` is, epoch ms. */
  readonly nowMs: number
  readonly signal: AbortSignal
  readonly log: Log
  /** Records that jq ends at before the others are given up; default ENDS_MAX. */
  readonly endsMax?: number
}

/** What became of a record. */
export type QueryOutcome =
  | { readonly kind: 'answer'; readonly answer: QueryAnswer }
  | { readonly kind: 'not-json' }
  /** jq ended at it. `given-up`: it was not tried, see ENDS_MAX. */
  | { readonly kind: 'ended'; readonly end: JqEnd | 'halted' | 'given-up'; readonly errors: string }

export interface BlockOutcomes {
  readonly outcomes: readonly QueryOutcome[]
  /** By record of the block. */
  readonly outcomeOf: Uint32Array
}

/** Steps that jq takes in a millisecond, about. */
const STEPS_PER_MS = 100_000
/** Beside the allowance: for compiling the query, and for reading a byte of the records. */
const STEPS_TO_COMPILE = 2_000_000
const STEPS_PER_BYTE = 40
/** The allowance is halved with each record that jq ended at, to this share: a query that never ends must not take years. */
const ALLOWANCE_SHARE_MIN = 1 / 32
/** Nor is it tried for ever: after so many ends in a batch, the other records are given up unseen. */
const ENDS_MAX = 1_000

/** A slow machine gets this many times as long as the steps should take, and the start of a thread. */
const PATIENCE = 20
const START_MS_MAX = 60_000

export class QueryRun {
  readonly #options: QueryRunOptions
  readonly #program: string
  readonly #deadline: Deadline
  #thread: QueryThread | undefined
  #share = 1
  #ends = 0
  /** What all further records get. */
  #givenUp: QueryOutcome | undefined

  constructor(options: QueryRunOptions) {
    this.#options = options
    this.#program = blockProgram(options.query, options.keys)
    this.#deadline = { ms: deadlineMs(options), signal: options.signal }
  }

  /** Blocks one after the other. @param bytes of the records, one after the other */
  async run(bytes: Uint8Array, lengths: Uint32Array): Promise<BlockOutcomes> {
    const found = new Outcomes(lengths.length)
    let one = false
    while (found.decided < lengths.length) {
      if (this.#givenUp !== undefined) {
        found.decideRest(this.#givenUp)
        break
      }
      const first = found.decided
      const end = one ? first + 1 : lengths.length
      const isNew = this.#thread === undefined
      const answer = await this.#ask({ bytes, lengths, first, end })
      const tried = found.decideLines(answer.lines)
      // Also when it is behind the last record that jq ended: it must not be used again.
      if (found.decided < end || answer.end !== undefined) await this.end()
      if (found.decided === end) continue
      // Only what ends a new jq is the record's doing.
      if (tried > 0 || !isNew) continue
      // jq reads all records before it runs the first: which of them it could not read is seen one by one.
      if (end > first + 1 && answer.errors.startsWith('jq: parse error')) one = true
      else this.#endAt(answer, found)
    }
    return found
  }

  async #ask(block: RecordBlock): Promise<Ran> {
    const { queryMaxMs, queryOutputMaxBytes, nowMs } = this.#options
    const base = STEPS_TO_COMPILE + STEPS_PER_BYTE * block.bytes.byteLength
    const allowance = Math.ceil(queryMaxMs * STEPS_PER_MS * this.#share)
    this.#thread ??= await QueryThread.start(nowMs, this.#deadline)
    return this.#thread.ask(
      { program: this.#program, steps: BigInt(base + allowance), outputBytes: queryOutputMaxBytes, block },
      this.#deadline,
    )
  }

  /** The first record of the run is the one that jq ended at. */
  #endAt(answer: Ran, found: Outcomes): void {
    const { end = 'halted', errors } = answer
    const outcome: QueryOutcome = { kind: 'ended', end, errors: firstLine(errors) }
    found.decide(found.add(outcome))
    this.#ends += 1
    this.#share = Math.max(ALLOWANCE_SHARE_MIN, this.#share / 2)
    const isNoProgram = errors.includes('compile error')
    if (isNoProgram) this.#givenUp = outcome
    else if (this.#ends === (this.#options.endsMax ?? ENDS_MAX))
      this.#givenUp = { kind: 'ended', end: 'given-up', errors: '' }
    if (this.#ends === 1 || this.#givenUp !== undefined)
      this.#options.log.warn({ reason: end, records: this.#ends }, 'query was ended')
  }

  async end(): Promise<void> {
    await this.#thread?.end()
    this.#thread = undefined
  }
}

export function deadlineMs({ queryMaxMs }: Pick<QueryLimits, 'queryMaxMs'>): number {
  return START_MS_MAX + PATIENCE * queryMaxMs
}

function firstLine(errors: string): string {
  return errors.split('\n', 1)[0] ?? ''
}

class Outcomes implements BlockOutcomes {
  readonly outcomes: QueryOutcome[] = []
  readonly outcomeOf: Uint32Array
  /** Records that have an outcome. */
  decided = 0

  constructor(records: number) {
    this.outcomeOf = new Uint32Array(records)
  }

  /** Answers how many of them jq has run. */
  decideLines({ texts, textOf }: BlockLines): number {
    const indices = texts.map((text) => this.add({ kind: 'answer', answer: readAnswer(text) }))
    const notJson = textOf.includes(NOT_JSON) ? this.add({ kind: 'not-json' }) : 0
    let run = 0
    for (const text of textOf) {
      if (text !== NOT_JSON) run += 1
      this.decide(text === NOT_JSON ? notJson : (indices[text] ?? 0))
    }
    return run
  }

  add(outcome: QueryOutcome): number {
    return this.outcomes.push(outcome) - 1
  }

  decide(index: number): void {
    this.outcomeOf[this.decided] = index
    this.decided += 1
  }

  decideRest(outcome: QueryOutcome): void {
    this.outcomeOf.fill(this.add(outcome), this.decided)
    this.decided = this.outcomeOf.length
  }
}

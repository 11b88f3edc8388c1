/**
 * The keys that a query gives the records of a batch: quickly for those that are beyond doubt, by jq for the others, a block
 * at a time and in order.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Log } from '../../account/log.ts'
import type { Frame } from '../../domain/frame.ts'
import type { QueryLimits } from '../../domain/plan.ts'
import { NOT_PARTITIONED, type ProcessInput } from '../../domain/ports.ts'
import type { LayoutOptions } from '../../domain/record-layout/layout.ts'
import { QueryRun, type QueryOutcome } from '../jq/query-runner.ts'
import { recordJson } from '../jq/record-json.ts'
import { uint32s } from '../../domain/growing-array.ts'
import { readQueryKeys, type QueryKey } from './key-expression.ts'
import { LEFT_TO_JQ, QuickKeys, type NumberOf } from './quick-keys.ts'
import { DECIDED, type RecordFacts } from './record-facts.ts'
import { RecordBlock } from './record-block.ts'
import type { TupleTable } from './tuple-table.ts'
import { ended, noKeys, notJson, tooManyPartitions, type Verdicts } from './verdicts.ts'

export interface QueryPlacesOptions extends QueryLimits {
  readonly query: string
  /** Keys whose values are wanted. */
  readonly keys: readonly string[]
  readonly tuples: TupleTable
  readonly verdicts: Verdicts
  /** Tuples after the first ones that can begin no partition. */
  readonly tuplesMax: number
  readonly input: Pick<ProcessInput, 'batch' | 'frames' | 'signal' | 'untimed'>
  /** Also where the query has a quick form. */
  readonly onlyJq?: boolean
  readonly layout?: LayoutOptions
  readonly log: Log
}

/** jq is slow record by record and no faster for more than this. */
const BLOCK_RECORDS = 1_000
const BLOCK_BYTES = 1 << 20
/** Of records that are read without jq between two turns of the event loop. */
const TURN_BYTES = 1 << 18
/** Not decided yet; no place is so high. */
const PENDING = NOT_PARTITIONED - 1

export class QueryPlaces {
  readonly #options: QueryPlacesOptions

  constructor(options: QueryPlacesOptions) {
    this.#options = options
  }

  /** Of each record: the number of its tuple, or the place of a verdict. @param facts are gathered on the way */
  async find(facts: RecordFacts): Promise<Uint32Array> {
    const { query, onlyJq } = this.#options
    const quick = onlyJq === true ? undefined : readQueryKeys(query)
    return quick === undefined ? this.#findByJq(facts) : this.#findQuickly(facts, quick)
  }

  async #findByJq(facts: RecordFacts): Promise<Uint32Array> {
    const places = uint32s()
    await this.#askJq({
      frames: gathering(this.#options.input.frames(), facts),
      isAsked: (ordinal) => {
        const isDecided = facts.keys(ordinal) === DECIDED
        places.push(isDecided ? NOT_PARTITIONED : PENDING)
        return !isDecided
      },
      answer: (ordinal, place) => places.set(ordinal, place),
    })
    return places.items()
  }

  async #findQuickly(facts: RecordFacts, quick: readonly QueryKey[]): Promise<Uint32Array> {
    const { input, tuples, tuplesMax, verdicts } = this.#options
    const found = uint32s()
    const numberOf: NumberOf = (values) => tuples.number(values, tuples.size < tuplesMax)
    const isWanted = (ordinal: number): boolean => facts.keys(ordinal) !== DECIDED
    const reading = { quick, isWanted }
    await this.#readQuickly(gathering(input.frames(), facts), { ...reading, numberOf }, (ordinal, number) => {
      if (!isWanted(ordinal)) found.push(NOT_PARTITIONED)
      else found.push(number === LEFT_TO_JQ ? PENDING : number)
    })
    const places = found.items()
    if (!places.includes(PENDING)) return places
    const known = tuples.size
    const tooMany = verdicts.known(tooManyPartitions)
    await this.#askJq({
      frames: input.frames(),
      isAsked: (ordinal) => places[ordinal] === PENDING,
      answer: (ordinal, place) => (places[ordinal] = place),
    })
    // A partition that jq's records begin may be that of tuples that were not taken.
    if (tooMany !== undefined && tuples.size > known) {
      const takenNow: NumberOf = (values) => tuples.number(values, false)
      await this.#readQuickly(input.frames(), { ...reading, numberOf: takenNow }, (ordinal, number) => {
        if (places[ordinal] === tooMany && number !== LEFT_TO_JQ) places[ordinal] = number
      })
    }
    return places
  }

  /** Calls `take` with each record's number, or LEFT_TO_JQ. */
  async #readQuickly(
    frames: AsyncIterable<Frame>,
    { quick, isWanted, numberOf }: QuickReading,
    take: (ordinal: number, number: number) => void,
  ): Promise<void> {
    const { input, keys, layout } = this.#options
    const reading = new QuickKeys({ keys: quick, wanted: keys, numberOf, layout })
    let first = 0
    let bytes = 0
    for await (const frame of frames) {
      const start = first
      reading.read(
        frame,
        (index) => isWanted(start + index),
        (index, number) => take(start + index, number),
      )
      first += frame.records
      bytes += frame.recordBytes
      if (bytes < TURN_BYTES) continue
      bytes = 0
      await nextTurn()
      input.signal.throwIfAborted()
    }
  }

  /**
   * Each block has a limit of its own. All of a batch together may take longer than an attempt, which would get no further the
   * next time.
   */
  #askJq(asking: Asking): Promise<void> {
    const { untimed = (run) => run() } = this.#options.input
    return untimed(() => this.#askInBlocks(asking))
  }

  /**
   * Records are asked about in order; an answer comes some records later. What jq could not read is told without it, until it
   * is needed: a batch whose only doubtful records are no JSON never starts one, which takes as long as 20,000 quick records.
   */
  async #askInBlocks({ frames, isAsked, answer }: Asking): Promise<void> {
    const { input, ...options } = this.#options
    const { batch, signal } = input
    const { verdicts } = options
    const run = new QueryRun({ ...options, nowMs: batch.sealedAtMs, signal })
    const outcomes = new OutcomePlaces(this.#options)
    let block = new RecordBlock()
    const ask = async (): Promise<void> => {
      const { bytes, lengths, ordinals } = block
      block = new RecordBlock()
      const { outcomes: found, outcomeOf } = await run.run(bytes, Uint32Array.from(lengths))
      const places = found.map((outcome) => outcomes.place(outcome))
      for (const [index, ordinal] of ordinals.entries()) answer(ordinal, places[outcomeOf[index] ?? 0] ?? 0)
    }
    try {
      let isNeeded = false
      let bytesTold = 0
      for await (const [ordinal, record] of recordsOf(frames, isAsked)) {
        isNeeded ||= recordJson(record) !== undefined
        if (!isNeeded) {
          answer(ordinal, verdicts.place(notJson))
          bytesTold += record.length
          if (bytesTold < TURN_BYTES) continue
          bytesTold = 0
          await nextTurn()
          signal.throwIfAborted()
          continue
        }
        if (block.ordinals.length > 0 && block.bytesWith(record) > BLOCK_BYTES) await ask()
        block.add(ordinal, record)
        if (block.ordinals.length === BLOCK_RECORDS) await ask()
      }
      if (block.ordinals.length > 0) await ask()
    } finally {
      await run.end()
    }
  }
}

interface QuickReading {
  readonly quick: readonly QueryKey[]
  readonly isWanted: (ordinal: number) => boolean
  readonly numberOf: NumberOf
}

interface Asking {
  readonly frames: AsyncIterable<Frame>
  readonly isAsked: (ordinal: number) => boolean
  readonly answer: (ordinal: number, place: number) => void
}

/** Some of the records, with their ordinals; of the others no view is made. */
async function* recordsOf(
  frames: AsyncIterable<Frame>,
  isAsked: (ordinal: number) => boolean,
): AsyncGenerator<readonly [ordinal: number, record: Buffer]> {
  let ordinal = 0
  for await (const frame of frames) {
    const { payload, records } = frame
    let start = 0
    for (let index = 0; index < records; index += 1) {
      const end = start + frame.length(index)
      if (isAsked(ordinal)) yield [ordinal, payload.subarray(start, end)]
      ordinal += 1
      start = end + 1
    }
  }
}

/** The places of what jq said. */
class OutcomePlaces {
  readonly #options: Pick<QueryPlacesOptions, 'tuples' | 'tuplesMax' | 'verdicts'>
  readonly #known: number

  constructor(options: Pick<QueryPlacesOptions, 'tuples' | 'tuplesMax' | 'verdicts'>) {
    this.#options = options
    this.#known = options.tuples.size
  }

  place(outcome: QueryOutcome): number {
    const { tuples, tuplesMax, verdicts } = this.#options
    if (outcome.kind === 'not-json') return verdicts.place(notJson)
    if (outcome.kind === 'ended') return verdicts.place(ended(outcome))
    const { answer } = outcome
    if (typeof answer === 'string') return verdicts.placeOfError(answer)
    if (typeof answer !== 'number') return tuples.number(answer, tuples.size - this.#known < tuplesMax)
    const verdict = noKeys[answer]
    if (verdict === undefined) throw new Error(`partition: jq answered ${answer}`)
    return verdicts.place(verdict)
  }
}

/** The frames as they pass. */
async function* gathering(frames: AsyncIterable<Frame>, facts: RecordFacts): AsyncGenerator<Frame> {
  facts.clear()
  for await (const frame of frames) {
    facts.add(frame)
    yield frame
  }
}

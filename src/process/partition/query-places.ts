/**
 * The keys that a query gives the records of a batch: quickly for those that are beyond doubt, by jq for the others, a block
 * at a time and in order.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Log } from '../../account/log.ts'
import type { Frame } from '../../domain/frame.ts'
import { EncoderError } from '../../domain/errors.ts'
import type { QueryLimits } from '../../domain/plan.ts'
import {
  NOT_EXTRACTED,
  NOT_PARTITIONED,
  type ExtractedKeys,
  type ExtractKeys,
  type ProcessInput,
} from '../../domain/ports.ts'
import { QueryRun, type QueryOutcome } from '../jq/query-runner.ts'
import { recordJson } from '../jq/record-json.ts'
import { eachOrdinal } from './each-ordinal.ts'
import { uint32s } from './growing-array.ts'
import { readQueryKeys, type QueryKey } from './key-expression.ts'
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
  readonly extractKeys?: ExtractKeys
  readonly log: Log
}

/** jq is slow record by record and no faster for more than this. */
const BLOCK_RECORDS = 1_000
const BLOCK_BYTES = 1 << 20
/** Of records that are told without jq between two turns of the event loop. */
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
    const { query, extractKeys, log, input } = this.#options
    const quick = extractKeys === undefined ? undefined : readQueryKeys(query)
    if (extractKeys === undefined || quick === undefined) return this.#findByJq(facts)
    try {
      return await this.#findQuickly(facts, extractKeys, quick)
    } catch (error) {
      if (!(error instanceof EncoderError && error.code === 'OutOfMemory')) throw error
      log.warn({ batchId: input.batch.batchId, err: error }, 'keys are read by jq')
      return this.#findByJq(facts)
    }
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

  async #findQuickly(
    facts: RecordFacts,
    extractKeys: ExtractKeys,
    quick: readonly QueryKey[],
  ): Promise<Uint32Array> {
    const { input, tuples, verdicts } = this.#options
    const extracted = await extractKeys(
      { ...input, frames: () => gathering(input.frames(), facts) },
      quick.map(({ expression }) => expression),
    )
    try {
      let numbers = await this.#numbers(extracted, quick, true)
      const places = new Uint32Array(facts.records)
      await fill(places, { tupleOf: extracted.tupleOf, numbers, facts, signal: input.signal })
      if (!places.includes(PENDING)) return places
      const known = tuples.size
      await this.#askJq({
        frames: input.frames(),
        isAsked: (ordinal) => places[ordinal] === PENDING,
        answer: (ordinal, place) => (places[ordinal] = place),
      })
      // A partition that jq's records begin may be that of tuples that were not taken.
      if (tuples.size > known && numbers.includes(verdicts.place(tooManyPartitions))) {
        numbers = await this.#numbers(extracted, quick, false)
        await eachOrdinal(places.length, input.signal, (ordinal) => {
          const tuple = extracted.tupleOf[ordinal] ?? NOT_EXTRACTED
          if (tuple !== NOT_EXTRACTED && facts.keys(ordinal) !== DECIDED)
            places[ordinal] = numbers[tuple] ?? 0
        })
      }
      return places
    } finally {
      await extracted.dispose()
    }
  }

  /** Of each extracted tuple. */
  async #numbers(
    extracted: ExtractedKeys,
    quick: readonly QueryKey[],
    areNew: boolean,
  ): Promise<Uint32Array> {
    const { keys, tuples, tuplesMax } = this.#options
    const positions = keys.map((key) => quick.findIndex((member) => member.key === key))
    const numbers = uint32s()
    for await (const tuple of extracted.tuples()) {
      const values = positions.map((position) => tuple[position] ?? null)
      numbers.push(tuples.number(values, areNew && tuples.size < tuplesMax))
    }
    return numbers.items()
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
      let ordinal = -1
      let isNeeded = false
      let bytesTold = 0
      for await (const frame of frames) {
        for (const record of frame.recordViews()) {
          ordinal += 1
          if (!isAsked(ordinal)) continue
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
      }
      if (block.ordinals.length > 0) await ask()
    } finally {
      await run.end()
    }
  }
}

interface Asking {
  readonly frames: AsyncIterable<Frame>
  readonly isAsked: (ordinal: number) => boolean
  readonly answer: (ordinal: number, place: number) => void
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

interface Filling {
  readonly tupleOf: Uint32Array
  /** Of the tuples. */
  readonly numbers: Uint32Array
  readonly facts: RecordFacts
  readonly signal: AbortSignal
}

/** Places of the records that have a tuple. */
async function fill(places: Uint32Array, { tupleOf, numbers, facts, signal }: Filling): Promise<void> {
  if (tupleOf.length !== places.length)
    throw new Error(`partition: keys of ${tupleOf.length} records were read, there are ${places.length}`)
  await eachOrdinal(places.length, signal, (ordinal) => {
    const tuple = tupleOf[ordinal] ?? NOT_EXTRACTED
    if (facts.keys(ordinal) === DECIDED) places[ordinal] = NOT_PARTITIONED
    else places[ordinal] = tuple === NOT_EXTRACTED ? PENDING : (numbers[tuple] ?? PENDING)
  })
}

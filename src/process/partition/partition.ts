/**
 * Dynamic partitioning: which object each record goes to.
 *
 * A partition is a tuple of values of the keys that the Prefix names, from the query, from the transform, or from both. The
 * query's keys are read quickly where its form and the record allow it, and by jq elsewhere; both say the same. Everything
 * here is a function of the records and the plan, so every attempt makes the same objects.
 */
import type { Log } from '../../account/log.ts'
import type { Frame } from '../../domain/frame.ts'
import { NOT_PARTITIONED, PARTITION_VERDICT, type PartitionObject } from '../../domain/ports.ts'
import type { LayoutOptions } from '../../domain/record-layout/layout.ts'
import type { PartitionKeys, RecordVerdict } from '../../domain/record-metadata.ts'
import type { DisposablePartitions, PartitionInput, PartitionStage } from '../stages.ts'
import { Assignment } from './assignment.ts'
import { eachOrdinal } from './each-ordinal.ts'
import { uint32s } from '../../domain/growing-array.ts'
import { PrefixRules, type KeyValues } from './prefix-rules.ts'
import { QueryPlaces } from './query-places.ts'
import { DECIDED, RecordFacts } from './record-facts.ts'
import { TupleTable } from './tuple-table.ts'
import { noLambdaValue, noQueryValue, tooManyPartitions, Verdicts } from './verdicts.ts'

export interface PartitionOptions {
  /** jq reads all keys, also those that are read without it. Both say the same, or something is wrong. */
  readonly onlyJq?: boolean
  /** When the layout of records is learnt; tests learn it sooner. */
  readonly layout?: LayoutOptions
  readonly log: Log
}

export function createPartition(options: PartitionOptions): PartitionStage {
  return { partition: (input) => new PartitionRun(options, input).run() }
}

/** Objects whose prefixes are looked at between two turns of the event loop. */
const TURN_OBJECTS = 512
/**
 * With keys from both sides it takes both to begin a partition, and a record may have only one. So many tuples of a side for
 * each partition that there may be are kept, the first ones of the batch; a record of another is one too many.
 */
const TUPLES_A_PARTITION = 4

type Values = readonly string[]

class PartitionRun {
  readonly #options: PartitionOptions
  readonly #input: PartitionInput
  readonly #rules: PrefixRules
  readonly #verdicts = new Verdicts()
  readonly #queryTuples: TupleTable
  readonly #lambdaTuples: TupleTable
  readonly #maxPartitions: number
  /** Of each side. */
  readonly #tuplesMax: number
  readonly #assignment: Assignment
  /** Keys come from both sides. */
  readonly #isPaired: boolean
  /** The number of a pair of tuples that began a partition, and the pair. */
  readonly #pairs = new Map<number, number>()
  readonly #pairOf = uint32s()
  /** Tuples of the query in order of their first records, as many as count. */
  readonly #seen = new Set<number>()

  constructor(options: PartitionOptions, input: PartitionInput) {
    const { plan, batch, partitioning } = input
    this.#options = options
    this.#input = input
    this.#maxPartitions = plan.maxPartitions ?? 0
    this.#rules = new PrefixRules({
      destination: plan.destination,
      stream: batch.stream.name,
      version: plan.version,
    })
    this.#isPaired = this.#rules.queryKeys.length > 0 && this.#rules.lambdaKeys.length > 0
    const tuplesMax = this.#maxPartitions * (this.#isPaired ? TUPLES_A_PARTITION : 1)
    this.#tuplesMax = tuplesMax === 0 ? Infinity : tuplesMax
    // Of two tuples it is seen together alone what they make of the text between them.
    const problem = (query: Values, lambda: Values) =>
      this.#isPaired ? undefined : this.#dotProblem(query, lambda)
    this.#queryTuples = new TupleTable(this.#verdicts, noQueryValue, (values) => problem(values, []))
    this.#lambdaTuples = new TupleTable(this.#verdicts, noLambdaValue, (values) => problem([], values))
    const { objectBytes } = partitioning
    this.#assignment = new Assignment({ objectBytes, maxPartitions: this.#maxPartitions })
  }

  async run(): Promise<DisposablePartitions> {
    const facts = new RecordFacts((keys) => this.#lambdaNumber(keys))
    const objectOf = await this.#places(facts)
    await this.#assignAll(facts, objectOf)
    for (const tuples of [this.#queryTuples, this.#lambdaTuples]) tuples.end()
    const objects = await this.#objects(objectOf)
    return { objects, objectOf, verdicts: this.#verdicts.all, dispose: () => Promise.resolve() }
  }

  /** Of each record the number of its tuple of the query's keys, or the place of a verdict. */
  async #places(facts: RecordFacts): Promise<Uint32Array> {
    if (this.#rules.queryKeys.length === 0) {
      for await (const frame of this.#frames()) facts.add(frame)
      return new Uint32Array(facts.records)
    }
    const { batch, plan, partitioning } = this.#input
    const { query } = partitioning
    const { queryLimits } = plan
    if (query === undefined || queryLimits === undefined)
      throw new Error(`partition batch ${batch.batchId}: its plan has no query`)
    const places = new QueryPlaces({
      ...this.#options,
      ...queryLimits,
      query,
      keys: this.#rules.queryKeys,
      tuples: this.#queryTuples,
      verdicts: this.#verdicts,
      tuplesMax: this.#tuplesMax,
      input: { ...this.#input, frames: () => this.#frames() },
    })
    return places.find(facts)
  }

  async *#frames(): AsyncGenerator<Frame> {
    for await (const frame of this.#input.frames()) {
      this.#input.signal.throwIfAborted()
      yield frame
    }
  }

  #lambdaNumber(keys: PartitionKeys = {}): number {
    const names = this.#rules.lambdaKeys
    if (names.length === 0) return 0
    const values = names.map((name) => (Object.hasOwn(keys, name) ? (keys[name] ?? null) : null))
    return this.#lambdaTuples.number(values, this.#lambdaTuples.size < this.#tuplesMax)
  }

  async #assignAll(facts: RecordFacts, places: Uint32Array): Promise<void> {
    const arrivalOf = facts.arrivals()
    const tooMany = (): number => this.#verdicts.place(tooManyPartitions)
    await eachOrdinal(places.length, this.#input.signal, (ordinal) => {
      const arrivalMs = arrivalOf(ordinal)
      const lambda = facts.keys(ordinal)
      const place = places[ordinal] ?? NOT_PARTITIONED
      if (lambda === DECIDED) places[ordinal] = NOT_PARTITIONED
      else if (place >= PARTITION_VERDICT) return
      else if (this.#isLate(place)) places[ordinal] = tooMany()
      else if (lambda >= PARTITION_VERDICT) places[ordinal] = lambda
      else {
        const partition = this.#isPaired ? this.#pair(place, lambda) : this.#onlySide(place, lambda)
        places[ordinal] =
          partition >= PARTITION_VERDICT
            ? partition
            : (this.#assignment.assign(partition, facts.bytes(ordinal), arrivalMs) ?? tooMany())
      }
    })
  }

  #onlySide(query: number, lambda: number): number {
    return this.#rules.lambdaKeys.length === 0 ? query : lambda
  }

  /** Asked in order: of what is read quickly and of what jq reads as many tuples may be kept each. */
  #isLate(query: number): boolean {
    if (!this.#isPaired || this.#tuplesMax === Infinity || this.#seen.has(query)) return false
    if (this.#seen.size >= this.#tuplesMax) return true
    this.#seen.add(query)
    return false
  }

  /** The number of a pair, or the place of a verdict. Only one that begins a partition has a number. */
  #pair(query: number, lambda: number): number {
    const key = query * this.#lambdaTuples.size + lambda
    const known = this.#pairs.get(key)
    if (known !== undefined) return known
    const problem = this.#dotProblem(this.#queryTuples.tuple(query), this.#lambdaTuples.tuple(lambda))
    if (problem !== undefined) return this.#verdicts.place(problem)
    const pair = this.#pairs.size
    if (pair === this.#maxPartitions && pair > 0) return this.#verdicts.place(tooManyPartitions)
    this.#pairs.set(key, pair)
    this.#pairOf.push(query)
    this.#pairOf.push(lambda)
    return pair
  }

  #dotProblem(query: Values, lambda: Values): RecordVerdict | undefined {
    const hasSlash = [...query, ...lambda].some((value) => value.includes('/'))
    return hasSlash ? this.#rules.dotProblem(this.#valuesOf(query, lambda)) : undefined
  }

  #tuples(partition: number): readonly [query: Values, lambda: Values] {
    const { queryKeys, lambdaKeys } = this.#rules
    if (lambdaKeys.length === 0) return [this.#queryTuples.tuple(partition), []]
    if (queryKeys.length === 0) return [[], this.#lambdaTuples.tuple(partition)]
    return [
      this.#queryTuples.tuple(this.#pairOf.at(2 * partition)),
      this.#lambdaTuples.tuple(this.#pairOf.at(2 * partition + 1)),
    ]
  }

  #values(partition: number): KeyValues {
    return this.#valuesOf(...this.#tuples(partition))
  }

  #valuesOf(query: Values, lambda: Values): KeyValues {
    return {
      queryKeys: keysOf(this.#rules.queryKeys, query),
      lambdaKeys: keysOf(this.#rules.lambdaKeys, lambda),
    }
  }

  /** Those whose names S3 and Firehose take; the records of the others get a verdict. */
  async #objects(objectOf: Uint32Array): Promise<readonly PartitionObject[]> {
    const objects: PartitionObject[] = []
    const places = new Uint32Array(this.#assignment.objects)
    const valuesOf: KeyValues[] = []
    const { signal } = this.#input
    const name = (index: number): void => {
      const { partition, part, oldestArrivalMs } = this.#assignment.object(index)
      const values = (valuesOf[partition] ??= this.#values(partition))
      const problem = this.#rules.problem(values, oldestArrivalMs)
      if (problem === undefined) places[index] = objects.push({ ...values, part, oldestArrivalMs }) - 1
      else places[index] = this.#verdicts.place(problem)
    }
    await eachOrdinal(places.length, signal, name, TURN_OBJECTS)
    if (objects.length === places.length) return objects
    await eachOrdinal(objectOf.length, signal, (ordinal) => {
      const object = objectOf[ordinal] ?? NOT_PARTITIONED
      if (object < PARTITION_VERDICT) objectOf[ordinal] = places[object] ?? NOT_PARTITIONED
    })
    return objects
  }
}

const NO_KEYS: PartitionKeys = {}

function keysOf(names: readonly string[], values: readonly string[]): PartitionKeys {
  if (names.length === 0) return NO_KEYS
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))
}

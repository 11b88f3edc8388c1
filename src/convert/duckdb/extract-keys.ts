/**
 * The keys of partitions, quickly: frames as lines, their members as columns of text, each tuple of texts once. Records in
 * doubt are lines that give no row; they are left to jq.
 */
import { rm } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Frame } from '../../domain/frame.ts'
import { NOT_EXTRACTED, type ExtractKeys, type KeyExpression } from '../../domain/ports.ts'
import { doubtfulKeys } from '../key-doubt.ts'
import { KEY_SEPARATOR, keyPlan, type KeyPlan } from '../key-plan.ts'
import { StagingFile, type StagingFolder } from '../staging.ts'
import { Turns } from '../turns.ts'
import type { DuckdbEngine, Session } from './engine.ts'
import { LinesWriter } from './lines-writer.ts'
import {
  createKeyTexts,
  createTuples,
  enumOfTuples,
  enumTuples,
  joinedTuples,
  orderedTuples,
} from './key-query.ts'

type Input = Parameters<ExtractKeys>[0]

/** Valid JSON that is no object: all its columns are null. */
const NO_ROW = '0\n'
/** An enumeration of so many texts is quicker than a join; of more it is not. */
const ENUM_TUPLES_MAX = 5_000

/** Uses the engine's turns, so that one memory limit holds for conversions and for this. */
export function keyExtractor(engine: DuckdbEngine, staging: StagingFolder): ExtractKeys {
  return async (input, expressions) => {
    const folder = await staging.folder()
    const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
    try {
      const work = (session: Session): Promise<Uint32Array> => extract(session, input, expressions, folder)
      const tupleOf = await engine.together(work, input.batch.bytes, input.signal)
      return { tupleOf, tuples: () => readTuples(folder), dispose: remove }
    } catch (error) {
      await remove()
      throw error
    }
  }
}

async function extract(
  session: Session,
  input: Input,
  expressions: readonly KeyExpression[],
  folder: string,
): Promise<Uint32Array> {
  const plan = keyPlan(expressions)
  const lines = new KeyLines(join(folder, 'lines'), plan)
  try {
    const turns = new Turns()
    for await (const frame of input.frames()) {
      input.signal.throwIfAborted()
      await lines.add(frame)
      if (turns.isOver) await turns.next()
    }
    const tupleOf = new Uint32Array(lines.records).fill(NOT_EXTRACTED)
    const tuples = await StagingFile.create(tuplesPath(folder))
    try {
      if (plan !== undefined) await session.inTurn(() => readKeys(session, lines, plan, tuples, tupleOf))
    } finally {
      await tuples.close()
    }
    return tupleOf
  } finally {
    await lines.close()
  }
}

/** The lines of a batch: line n is record n. */
class KeyLines {
  records = 0
  readonly #lines: LinesWriter
  readonly #findDoubtful: ((frame: Frame) => readonly number[]) | undefined

  constructor(path: string, plan: KeyPlan | undefined) {
    this.#lines = new LinesWriter(path)
    this.#findDoubtful = plan && doubtfulKeys(plan)
  }

  async add(frame: Frame): Promise<void> {
    this.records += frame.records
    if (this.#findDoubtful === undefined) return
    const doubtful = frame.isDecided
      ? withDecided(frame, this.#findDoubtful(frame))
      : this.#findDoubtful(frame)
    const payload = frame.payload
    let taken = 0
    let first = 0
    let runStart = 0
    let longest = 0
    let start = 0
    for (let index = 0; index < frame.records; index += 1) {
      const end = start + frame.length(index) + 1
      if (index === doubtful[taken]) {
        if (index > first) await this.#lines.add(payload.subarray(runStart, start), index - first, longest)
        await this.#lines.addText(NO_ROW)
        taken += 1
        first = index + 1
        runStart = end
      } else if (end - start > longest) longest = end - start
      start = end
    }
    if (frame.records > first)
      await this.#lines.add(payload.subarray(runStart, start), frame.records - first, longest)
  }

  flushed(): ReturnType<LinesWriter['flushed']> {
    return this.#lines.flushed()
  }

  close(): Promise<void> {
    return this.#lines.close()
  }
}

/** The ordinals, and those of records that failed or were dropped: these have no keys. */
function withDecided(frame: Frame, doubtful: readonly number[]): readonly number[] {
  const left = new Set(doubtful)
  let index = 0
  for (const { verdict, isDropped } of frame.metadata ?? []) {
    if (verdict !== undefined || isDropped === true) left.add(index)
    index += 1
  }
  return [...left].toSorted((a, b) => a - b)
}

async function readKeys(
  session: Session,
  lines: KeyLines,
  plan: KeyPlan,
  tuples: StagingFile,
  tupleOf: Uint32Array,
): Promise<void> {
  const file = await lines.flushed()
  if (file === undefined) return
  await session.run(createKeyTexts(file, plan))
  const [rows] = await session.numbers('SELECT count(*) FROM key_texts')
  // Never seen. Without a row for each line nothing is known of any.
  if (rows !== lines.records) return
  await session.run(createTuples)
  const [distinct = 0] = await session.numbers('SELECT count(*) FROM key_tuples')
  await session.texts(orderedTuples, async (text) => {
    const tuple = plan.hasSeveral ? text.split(KEY_SEPARATOR) : [text]
    tuples.add(Buffer.from(`${lineOf(tuple)}\n`))
    if (tuples.isFull) await tuples.flush()
  })
  if (distinct === 0) return
  const areFew = distinct <= ENUM_TUPLES_MAX
  if (areFew) await session.run(enumOfTuples)
  let ordinal = 0
  await session.integers(areFew ? enumTuples : joinedTuples, (tuple) => {
    if (tuple >= 0) tupleOf[ordinal] = tuple
    ordinal += 1
  })
}

/** On one line, whatever is taken for the end of one. */
function lineOf(tuple: readonly string[]): string {
  return JSON.stringify(tuple).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

const tuplesPath = (folder: string): string => join(folder, 'tuples')

async function* readTuples(folder: string): AsyncGenerator<readonly string[]> {
  const lines = createInterface({ input: createReadStream(tuplesPath(folder)), crlfDelay: Infinity })
  for await (const line of lines) yield JSON.parse(line) as string[]
}

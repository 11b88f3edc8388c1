/**
 * Local processors and partitioning in a process of their own, for a batch that killed two: if it dies again, only the child
 * dies, and the parent says so. Frames go to the child in staging files and come back in them. The transform stays in the
 * parent, which has its credentials; its calls are bounded.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Log } from '../account/log.ts'
import type { Frame } from '../domain/frame.ts'
import type { Partitions, PieceStart, ProcessInput } from '../domain/ports.ts'
import { runInChild } from '../runtime/child-task.ts'
import { readFrames, readNumbers, writeFrames } from '../runtime/frames-file.ts'
import { stagingError } from '../runtime/staging-file.ts'
import { isLocal, type PieceOptions } from './local.ts'
import type { PieceLimits } from './piece.ts'
import type { DisposablePartitions, LocalPiece, PartitionInput, Stages } from './stages.ts'
import { Tally, type TallyCounts } from './tally.ts'

export interface IsolatedOptions {
  /** A folder of this process. */
  readonly stagingPath: string
  readonly log: Log
  /** The module that the child runs; by default isolated-child beside this one. */
  readonly entry?: string
}

/** What the parent asks for. All paths are in a folder that the parent removes. */
export type ProcessTask = PieceTask | PartitionTask

export interface PieceTask extends Pick<ProcessInput, 'batch' | 'plan' | 'piece'> {
  /** `rest`: of all of the batch from where the piece begins. */
  readonly kind: 'piece' | 'rest'
  readonly limits: PieceLimits
  /** From where the piece begins. */
  readonly framesPath: string
  readonly madePath: string
}

/** Beside the frames that were made. */
export interface PieceAnswer {
  readonly counts: TallyCounts
  /** Absent: the rest of the batch is more than a piece. */
  readonly end?: { readonly next: PieceStart | undefined }
}

export interface PartitionTask extends Pick<PartitionInput, 'batch' | 'plan' | 'partitioning'> {
  readonly kind: 'partition'
  readonly framesPath: string
  readonly objectOfPath: string
}

/** Beside `objectOf`. */
export type PartitionAnswer = Pick<Partitions, 'objects' | 'verdicts'>

/** They reject with EncoderError `ChildDied` when the child ends without an answer. */
export function isolatedStages(options: IsolatedOptions): Stages {
  return {
    piece: (input, { limits, count }) =>
      isLocal(input.plan.destination.processing)
        ? new IsolatedPiece(options, input, { limits, count })
        : undefined,
    partition: { partition: (input) => partition(options, input) },
  }
}

/** A child runs when records are read for the first time; from then on they are in a file. */
class IsolatedPiece implements LocalPiece {
  readonly #options: IsolatedOptions
  readonly #input: ProcessInput
  readonly #local: PieceOptions
  #folder: Promise<string> | undefined
  #received: Promise<string> | undefined
  #made: Promise<string> | undefined
  #end: PieceAnswer['end']

  constructor(options: IsolatedOptions, input: ProcessInput, local: PieceOptions) {
    this.#options = options
    this.#input = input
    this.#local = local
  }

  async *frames(): AsyncGenerator<Frame> {
    this.#made ??= this.#make('piece')
    yield* readFrames(await this.#made)
  }

  async *rest(): AsyncGenerator<Frame> {
    const path = await this.#make('rest')
    if (this.isKnown) this.#made = Promise.resolve(path)
    yield* readFrames(path)
    if (!this.isKnown) await rm(path)
  }

  get isKnown(): boolean {
    return this.#end !== undefined
  }

  next(): PieceStart | undefined {
    if (this.#end === undefined) throw new Error('find the end of a piece: it was not made')
    return this.#end.next
  }

  get places(): LocalPiece['places'] {
    return { from: this.#input.piece?.made ?? 0, to: this.next()?.made ?? Infinity }
  }

  async dispose(): Promise<void> {
    if (this.#folder !== undefined) await rm(await this.#folder, { recursive: true, force: true })
  }

  async #make(kind: PieceTask['kind']): Promise<string> {
    const { batch, plan, piece, signal } = this.#input
    this.#folder ??= stagingFolder(this.#options)
    const madePath = join(await this.#folder, kind)
    this.#received ??= stage(await this.#folder, this.#input)
    const framesPath = await this.#received
    const { limits, count } = this.#local
    const from = piece === undefined ? {} : { piece }
    const task: PieceTask = { kind, batch, plan, ...from, limits, framesPath, madePath }
    const { counts, end } = await ask<PieceAnswer>(this.#options, task, signal)
    count(new Tally(counts))
    this.#end = end
    return madePath
  }
}

async function partition(options: IsolatedOptions, input: PartitionInput): Promise<DisposablePartitions> {
  const { batch, plan, partitioning, signal, untimed = (run) => run() } = input
  const folder = await stagingFolder(options)
  try {
    const objectOfPath = join(folder, 'object-of')
    const framesPath = await stage(folder, input)
    const task: PartitionTask = { kind: 'partition', batch, plan, partitioning, framesPath, objectOfPath }
    const asked = (): Promise<PartitionAnswer> => ask(options, task, signal)
    // Each block of records has a limit of its own in jq.
    const { objects, verdicts } = await (partitioning.query === undefined ? asked() : untimed(asked))
    return { objects, verdicts, objectOf: await readNumbers(objectOfPath), dispose: () => Promise.resolve() }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function ask<Answer>(options: IsolatedOptions, task: ProcessTask, signal: AbortSignal): Promise<Answer> {
  const { batchId } = task.batch
  options.log.info({ batchId, step: task.kind }, 'processing in a process of its own')
  return runInChild({
    entry: options.entry ?? defaultEntry(),
    task,
    signal,
    what: `process batch ${batchId}`,
    hint: 'the batch is kept; look at the memory of the machine, then release it as docs/operations.md says',
  })
}

async function stagingFolder({ stagingPath }: IsolatedOptions): Promise<string> {
  try {
    return await mkdtemp(join(stagingPath, 'process-'))
  } catch (error) {
    throw stagingError(`make a folder in ${stagingPath}`, error)
  }
}

/** The input's frames, for a child. */
async function stage(
  folder: string,
  { frames, signal }: Pick<ProcessInput, 'frames' | 'signal'>,
): Promise<string> {
  const path = join(folder, 'frames')
  await writeFrames(path, frames(), signal)
  return path
}

function defaultEntry(): string {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`./isolated-child.${ending}`, import.meta.url))
}

/**
 * An encoder in a process of its own, for a batch that killed two: if it dies again, only the child dies, and the parent
 * says so. The frames go to the child in a staging file, and come back as objects and failed records in staging files.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Log } from '../account/log.ts'
import type { SealedBatch } from '../domain/batch.ts'
import type { Engine, Plan } from '../domain/plan.ts'
import type { EncodeInput, Encoded, Encoder, EncodedObject } from '../domain/ports.ts'
import { runInChild } from '../runtime/child-task.ts'
import { writeFrames, writeNumbers } from '../runtime/frames-file.ts'
import { spooledFailures } from './failure-spool.ts'
import type { RunsFile } from './sorted-runs.ts'
import { StagingFolder } from './staging.ts'

export interface IsolatedOptions {
  readonly engine: Engine
  readonly stagingPath: string
  readonly threads: number
  readonly memoryLimitBytes: number
  readonly log: Log
  /** The module that the child runs; by default isolated-child beside this one. */
  readonly entry?: string
}

/** What the parent asks for. All paths are in a folder that the parent removes. */
export interface EncodeTask {
  readonly engine: Engine
  readonly threads: number
  readonly memoryLimitBytes: number
  readonly batch: SealedBatch
  readonly plan: Plan
  readonly framesPath: string
  /** There with dynamic partitioning: the object of each record. */
  readonly objectOfPath?: string
  readonly failuresPath: string
  readonly stagingPath: string
}

export interface EncodeAnswer {
  readonly objects: readonly EncodedObject[]
  readonly rows: number
  readonly errors: Readonly<Record<string, number>>
  readonly dropped: number
  readonly failures: RunsFile
}

/** Rejects with EncoderError `ChildDied` when the child ends without an answer. */
export function isolatedEncoder(options: IsolatedOptions): Encoder {
  return {
    async encode(input) {
      const folder = await StagingFolder.open(options.stagingPath)
      try {
        return await encode(input, options, folder)
      } catch (error) {
        await folder.remove()
        throw error
      }
    },
  }
}

async function encode(input: EncodeInput, options: IsolatedOptions, folder: StagingFolder): Promise<Encoded> {
  const { engine, threads, memoryLimitBytes, log } = options
  const { batch, plan, signal } = input
  const framesPath = join(folder.path, 'frames')
  const objectOfPath = join(folder.path, 'object-of')
  await writeFrames(framesPath, input.frames(), signal)
  if (input.objectOf !== undefined) await writeNumbers(objectOfPath, input.objectOf)
  const task: EncodeTask = {
    engine,
    threads,
    memoryLimitBytes,
    batch,
    plan,
    framesPath,
    ...(input.objectOf === undefined ? {} : { objectOfPath }),
    failuresPath: join(folder.path, 'failures'),
    stagingPath: join(folder.path, 'child'),
  }
  log.info({ batchId: batch.batchId, engine }, 'encoding in a process of its own')
  const { failures, ...encoded } = await runInChild<EncodeTask, EncodeAnswer>({
    entry: options.entry ?? defaultEntry(),
    task,
    signal,
    what: `encode batch ${batch.batchId}`,
    hint: 'the batch is kept; look at the memory of the machine and at convert.memoryLimit, then release it as docs/operations.md says',
  })
  await Promise.all([framesPath, objectOfPath].map((path) => rm(path, { force: true })))
  return {
    ...encoded,
    failures: () => spooledFailures(failures),
    dispose: () => folder.remove(),
  }
}

function defaultEntry(): string {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`./isolated-child.${ending}`, import.meta.url))
}

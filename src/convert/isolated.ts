/**
 * An encoder in a process of its own, for a batch that killed two: if it dies again, only the child dies, and the parent
 * says so. The frames go to the child in a staging file, and come back as objects and failed records in staging files.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Log } from '../account/log.ts'
import type { SealedBatch } from '../domain/batch.ts'
import { EncoderError } from '../domain/errors.ts'
import type { Engine, Plan } from '../domain/plan.ts'
import type { EncodeInput, Encoded, Encoder, EncodedObject } from '../domain/ports.ts'
import { spooledFailures } from './failure-spool.ts'
import type { RunsFile } from './sorted-runs.ts'
import { StagingFile, StagingFolder } from './staging.ts'

export interface IsolatedOptions {
  readonly engine: Exclude<Engine, 'raw'>
  readonly stagingPath: string
  readonly threads: number
  readonly memoryLimitBytes: number
  readonly log: Log
  /** The module that the child runs; by default isolated-child beside this one. */
  readonly entry?: string
}

/** What the parent asks for. All paths are in a folder that the parent removes. */
export interface ChildTask {
  readonly engine: Exclude<Engine, 'raw'>
  readonly threads: number
  readonly memoryLimitBytes: number
  readonly batch: SealedBatch
  readonly plan: Plan
  /** Each frame after its length in bytes, u32. */
  readonly framesPath: string
  /** There with dynamic partitioning: the object of each record, u32. */
  readonly objectOfPath?: string
  readonly failuresPath: string
  readonly stagingPath: string
}

export type ChildAnswer =
  | {
      readonly kind: 'encoded'
      readonly objects: readonly EncodedObject[]
      readonly rows: number
      readonly errors: Readonly<Record<string, number>>
      readonly dropped: number
      readonly failures: RunsFile
    }
  | {
      readonly kind: 'failed'
      readonly code: string
      readonly message: string
      readonly hint?: string
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
  const framesPath = join(folder.path, 'frames')
  const objectOfPath = join(folder.path, 'object-of')
  await writeFrames(input, framesPath)
  if (input.objectOf !== undefined) await writeBytes(objectOfPath, bytesOf(input.objectOf))
  const task: ChildTask = {
    engine,
    threads,
    memoryLimitBytes,
    batch: input.batch,
    plan: input.plan,
    framesPath,
    ...(input.objectOf === undefined ? {} : { objectOfPath }),
    failuresPath: join(folder.path, 'failures'),
    stagingPath: join(folder.path, 'child'),
  }
  log.info({ batchId: input.batch.batchId, engine }, 'encoding in a process of its own')
  const answer = await runChild(task, options.entry ?? defaultEntry(), input.signal)
  await Promise.all([framesPath, objectOfPath].map((path) => rm(path, { force: true })))
  if (answer.kind === 'failed') {
    const { code, message, hint } = answer
    throw new EncoderError(message, hint === undefined ? { code } : { code, hint })
  }
  const { objects, rows, errors, dropped, failures } = answer
  return {
    objects,
    rows,
    errors,
    dropped,
    failures: () => spooledFailures(failures),
    dispose: () => folder.remove(),
  }
}

async function writeFrames(input: EncodeInput, path: string): Promise<void> {
  const file = await StagingFile.create(path)
  try {
    for await (const { buffer } of input.frames()) {
      input.signal.throwIfAborted()
      const length = Buffer.allocUnsafe(4)
      length.writeUInt32LE(buffer.length)
      file.add(length)
      file.add(buffer)
      if (file.isFull) await file.flush()
    }
  } finally {
    await file.close()
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)

async function writeBytes(path: string, bytes: Buffer): Promise<void> {
  const file = await StagingFile.create(path)
  file.add(bytes)
  await file.close()
}

function defaultEntry(): string {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`./isolated-child.${ending}`, import.meta.url))
}

async function runChild(task: ChildTask, entry: string, signal: AbortSignal): Promise<ChildAnswer> {
  signal.throwIfAborted()
  const child = fork(entry, {
    // The child is told what it needs; it gets none of this process's settings and secrets.
    env: {},
    execArgv: entry.endsWith('.ts') ? ['--import', 'tsx'] : [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const kill = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  try {
    return await answerOf(child, task, signal)
  } finally {
    signal.removeEventListener('abort', kill)
    kill()
  }
}

/** Settles by the child's answer, or once it is gone and its channel, which may still hold one, is read to the end. */
function answerOf(child: ChildProcess, task: ChildTask, signal: AbortSignal): Promise<ChildAnswer> {
  return new Promise((resolve, reject) => {
    let exit: string | undefined
    const settleIfGone = (): void => {
      if (exit === undefined || child.connected) return
      reject(signal.aborted ? (signal.reason as Error) : died(task, exit))
    }
    child.once('message', (message) => {
      resolve(message as ChildAnswer)
    })
    child.once('error', (cause) => {
      reject(died(task, `it could not be started (${cause.message})`, cause))
    })
    child.once('exit', (code, killedBy) => {
      exit = killedBy === null ? `it ended with exit code ${code}` : `it was killed by ${killedBy}`
      settleIfGone()
    })
    child.once('disconnect', settleIfGone)
    child.send(task, (error) => {
      // A child that is already gone tells so by its exit.
      if (error !== null) child.kill('SIGKILL')
    })
  })
}

function died(task: ChildTask, how: string, cause?: Error): EncoderError {
  return new EncoderError(`encode batch ${task.batch.batchId}: its process died: ${how}`, {
    code: 'ChildDied',
    cause,
    hint: 'the batch is kept; look at the memory of the machine and at convert.memoryLimit, then release it as docs/operations.md says',
  })
}

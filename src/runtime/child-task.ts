/**
 * A task in a process of its own, for what a batch that killed processes asks for: if it dies again, only the child dies, and
 * the parent says so. What is large goes between them in staging files.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { getHeapStatistics } from 'node:v8'
import { EncoderError } from '../domain/errors.ts'
import { MIB } from '../domain/limits.ts'

export interface ChildTask<Task> {
  /** The module that the child runs; it calls `serveTask`. */
  readonly entry: string
  readonly task: Task
  /** Ends the child. */
  readonly signal: AbortSignal
  /** What the task is, for the sentence of its death: `encode batch 1`. */
  readonly what: string
  /** What to do about its death. */
  readonly hint: string
}

type ChildAnswer<Answer> =
  | { readonly kind: 'done'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly hint?: string }

/** The code of the EncoderError when a child ended without an answer. */
export const CHILD_DIED = 'ChildDied'

/** Rejects with the EncoderError of the child (of code `Failed` for any other error there), or with one of code CHILD_DIED. */
export async function runInChild<Task extends object, Answer>(asked: ChildTask<Task>): Promise<Answer> {
  const { entry, signal } = asked
  signal.throwIfAborted()
  const child = fork(entry, {
    // The child is told what it needs; it gets none of this process's settings and secrets, but as much memory.
    env: {},
    execArgv: [...sameHeap(), ...(entry.endsWith('.ts') ? ['--import', 'tsx'] : [])],
    // Bytes stay bytes on the way.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const kill = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  try {
    const answered = await answerOf<Task, Answer>(child, asked)
    if (answered.kind === 'done') return answered.answer
    const { code, message, hint } = answered
    throw new EncoderError(message, hint === undefined ? { code } : { code, hint })
  } finally {
    signal.removeEventListener('abort', kill)
    kill()
  }
}

/** Whatever was set for this process, on its command line or in NODE_OPTIONS. */
function sameHeap(): readonly string[] {
  return [`--max-old-space-size=${Math.floor(getHeapStatistics().heap_size_limit / MIB)}`]
}

/** Settles by the child's answer, or once it is gone and its channel, which may still hold one, is read to the end. */
function answerOf<Task extends object, Answer>(
  child: ChildProcess,
  asked: ChildTask<Task>,
): Promise<ChildAnswer<Answer>> {
  const { task, signal } = asked
  return new Promise((resolve, reject) => {
    let exit: string | undefined
    const settleIfGone = (): void => {
      if (exit === undefined || child.connected) return
      reject(signal.aborted ? (signal.reason as Error) : died(asked, exit))
    }
    child.once('message', (message) => {
      resolve(message as ChildAnswer<Answer>)
    })
    child.once('error', (cause) => {
      reject(died(asked, `it could not be started (${cause.message})`, cause))
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

function died<Task>({ what, hint }: ChildTask<Task>, how: string, cause?: Error): EncoderError {
  return new EncoderError(`${what}: its process died: ${how}`, { code: CHILD_DIED, cause, hint })
}

/** The child's side: takes one task from the parent, answers, and ends. Dies with its parent. */
export function serveTask(run: (task: never) => Promise<unknown>): void {
  process.once('disconnect', () => process.exit(1))
  // A terminal or a service manager signals the whole group. The parent decides: its end, or its SIGKILL, ends this process;
  // a death of its own would be taken for the batch's doing.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  process.once('message', (task) => {
    void answerTo(run(task as never))
  })
}

async function answerTo(running: Promise<unknown>): Promise<void> {
  let answered: ChildAnswer<unknown>
  try {
    answered = { kind: 'done', answer: await running }
  } catch (error) {
    // Whatever it is, the process has not died of it: what this process would try again, its parent does.
    const { code, message, hint } =
      error instanceof EncoderError ? error : new EncoderError(messageOf(error), { code: 'Failed' })
    answered = { kind: 'failed', code, message, ...(hint === undefined ? {} : { hint }) }
  }
  // What was staged stays: the parent reads it.
  process.send?.(answered, () => process.exit(0))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

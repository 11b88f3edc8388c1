/** A thread that runs jq (query-worker), as the event loop sees it: it is asked, answers, or is ended. */
import { Worker } from 'node:worker_threads'
import { EncoderError } from '../../domain/errors.ts'
import type { JqModule } from './jq-instance.ts'
import type { WorkerAnswer, WorkerRequest, WorkerStart } from './query-messages.ts'

/** The thread's own memory, without jq's. Far more than a block takes. */
const HEAP_MIB_MAX = 512
/** Far more than jq's own stack asks of it, so that jq's, which is the same in every process, is full first. */
const STACK_MIB = 64

export type Ran = Extract<WorkerAnswer, { kind: 'run' }>

/** jq's module, once a thread has compiled it. */
let compiled: JqModule | undefined

const entry = threadEntry()

export class QueryThread {
  readonly #worker: Worker
  readonly #answers: AnswerQueue

  private constructor(worker: Worker) {
    this.#worker = worker
    this.#answers = new AnswerQueue(worker)
  }

  /** @param nowMs what jq's clock shows, epoch ms */
  static async start(nowMs: number, deadline: Deadline): Promise<QueryThread> {
    const workerData: WorkerStart = compiled === undefined ? { nowMs } : { nowMs, module: compiled }
    const worker = new Worker(entry, {
      workerData,
      eval: !(entry instanceof URL),
      execArgv: [],
      // What jq-web says of a jq that ended.
      stdout: true,
      stderr: true,
      // The thread gets none of this process's settings and secrets.
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX, stackSizeMb: STACK_MIB },
    })
    const thread = new QueryThread(worker)
    try {
      const answer = await thread.#answers.next(deadline)
      if (answer.kind === 'ready') compiled = answer.module
      return thread
    } catch (error) {
      await thread.end()
      throw error
    }
  }

  /** One at a time. */
  async ask(request: WorkerRequest, deadline: Deadline): Promise<Ran> {
    this.#worker.postMessage(request, [])
    const answer = await this.#answers.next(deadline)
    if (answer.kind !== 'run') throw new Error('run jq: the thread answered what it was not asked')
    return answer
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }
}

/** How long an answer may take before something is wrong with the machine, and who may give up earlier. */
export interface Deadline {
  readonly ms: number
  readonly signal: AbortSignal
}

class AnswerQueue {
  #resolve: ((answer: WorkerAnswer) => void) | undefined
  #reject: ((error: Error) => void) | undefined
  #death: Error | undefined

  constructor(worker: Worker) {
    worker.on('message', (answer: WorkerAnswer) => this.#resolve?.(answer))
    worker.on('error', (cause) => this.#die(died('it failed', cause)))
    worker.on('exit', (code) => this.#die(died(`it ended with code ${code}`)))
  }

  /** It may die while nobody waits for it; who asks next is told. */
  #die(death: Error): void {
    this.#death ??= death
    this.#reject?.(this.#death)
  }

  next({ ms, signal }: Deadline): Promise<WorkerAnswer> {
    return new Promise((resolve, reject) => {
      const abort = (): void => settle(() => reject(signal.reason as Error))
      const timer = setTimeout(() => {
        settle(() => reject(died(`it did not answer within ${ms} ms`)))
      }, ms)
      const settle = (how: () => void): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        this.#resolve = undefined
        this.#reject = undefined
        how()
      }
      this.#resolve = (answer) => settle(() => resolve(answer))
      this.#reject = (error) => settle(() => reject(error))
      if (signal.aborted) abort()
      else if (this.#death !== undefined) this.#reject(this.#death)
      else signal.addEventListener('abort', abort)
    })
  }
}

/** Never an error record: the batch is delivered again. */
function died(how: string, cause?: unknown): EncoderError {
  return new EncoderError(`run jq: its thread died: ${how}`, {
    code: 'QueryThreadDied',
    cause,
    hint: 'look at the memory and the load of the machine; the delivery is tried again',
  })
}

/** The module of the thread; from sources by way of tsx, whose hooks a thread does not inherit. */
function threadEntry(): URL | string {
  if (!import.meta.url.endsWith('.ts')) return new URL('./query-worker.js', import.meta.url)
  const source = new URL('./query-worker.ts', import.meta.url).href
  return `import('${import.meta.resolve('tsx/esm/api')}').then((tsx) => { tsx.register(); return import('${source}') })`
}

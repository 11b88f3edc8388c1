/** Starts real Hydrant processes from the build in dist/, and kills them. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface HydrantOptions {
  /** What the configuration file holds. */
  readonly config: object
  readonly roles?: string
  /** A crash point at which the process kills itself: `name` or `name#n`. */
  readonly crashAt?: string
  /** Where the configuration file is written; relative paths in it start here. */
  readonly folder: string
  readonly logLevel?: 'error' | 'warn' | 'info' | 'debug'
  /** JavaScript that runs in the process before anything else. */
  readonly preload?: string
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class HydrantProcess {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  #output = ''
  #log = ''
  #over: Ended | undefined

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.on('data', (bytes: Buffer) => (this.#output += bytes.toString()))
    child.stderr?.on('data', (bytes: Buffer) => (this.#log += bytes.toString()))
    this.ended = new Promise((resolve) =>
      child.once('close', (code, signal) => {
        this.#over = { code, signal }
        resolve(this.#over)
      }),
    )
  }

  /** What it printed for people. */
  get output(): string {
    return this.#output
  }

  /** Its log: one JSON line per change of state. */
  get log(): string {
    return this.#log
  }

  get hasEnded(): boolean {
    return this.#over !== undefined
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** Port of the Firehose API. */
  get port(): number {
    return this.#port('api')
  }

  get adminPort(): number {
    return this.#port('admin')
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`
  }

  #port(which: 'api' | 'admin'): number {
    const found = new RegExp(`${which}\\s[^\\n]*?http://127\\.0\\.0\\.1:(\\d+)`).exec(this.#output)?.[1]
    if (found === undefined) throw new Error(`no ${which} port in:\n${this.#output}\n${this.#log}`)
    return Number(found)
  }

  /** Resolves when /readyz answers 200. */
  async ready(): Promise<this> {
    const answers = eventually(async () => {
      if (this.#over !== undefined) return
      const answer = await fetch(`http://127.0.0.1:${this.adminPort}/readyz`)
      await answer.text()
      if (answer.status !== 200) throw new Error(`readyz: ${answer.status}`)
    }, 30_000)
    await Promise.race([answers, this.ended])
    if (this.#over !== undefined) {
      throw new Error(`hydrant ended with ${JSON.stringify(this.#over)}:\n${this.#log}`)
    }
    return this
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Ended> {
    this.child.kill(signal)
    return this.ended
  }

  /** The value of a metric's samples whose labels include these, summed. */
  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.adminPort}/metrics`)
    const lines = (await answer.text())
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    return lines
      .filter((line) => wanted.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }
}

let counter = 0

/** Processes must not outlive a test run that is ended in the middle. */
const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** Spawns `hydrant serve` on free ports; call `ready()` to wait for it. */
export async function startHydrant(options: HydrantOptions): Promise<HydrantProcess> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run npm run build first`)
  counter += 1
  const file = join(options.folder, `hydrant-${counter}.json`)
  await writeFile(file, JSON.stringify(options.config))
  const args = [MAIN, 'serve', '--config', file, '--port', '0', '--admin-port', '0']
  if (options.roles !== undefined) args.push('--roles', options.roles)
  const child = spawn(process.execPath, args, {
    cwd: options.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      HYDRANT_LOG_LEVEL: options.logLevel ?? 'info',
      ...(options.crashAt === undefined ? {} : { HYDRANT_CRASH_AT: options.crashAt }),
      ...(options.preload === undefined ? {} : { NODE_OPTIONS: imported(options.preload) }),
    },
  })
  children.add(child)
  child.once('close', () => children.delete(child))
  return new HydrantProcess(child)
}

const imported = (code: string): string => `--import data:text/javascript,${encodeURIComponent(code)}`

/** A temporary folder and how to remove it. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'hydrant-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** The command line as a process, from the sources: what it prints, how it ends. */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const TSX = fileURLToPath(import.meta.resolve('tsx'))

export interface CommandOptions {
  readonly cwd: string
  readonly env?: Record<string, string>
  /** Given on standard input, which is then closed. */
  readonly input?: string
}

export class CommandLine {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
  out = ''
  err = ''

  constructor(args: readonly string[], { cwd, env = {}, input }: CommandOptions) {
    this.child = spawn(process.execPath, ['--import', TSX, MAIN, ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    this.child.stdin?.end(input)
    this.child.stdout?.on('data', (bytes: Buffer) => (this.out += bytes.toString()))
    this.child.stderr?.on('data', (bytes: Buffer) => (this.err += bytes.toString()))
    this.ended = new Promise((resolve) =>
      this.child.once('close', (code, signal) => resolve({ code, signal })),
    )
  }

  /** Lines of the log with this message, oldest first. */
  logged(message: string): Record<string, unknown>[] {
    const lines = this.err.split('\n').filter((line) => line.startsWith('{'))
    return lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message)
  }

  /** Ends it if it still runs. */
  async end(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL')
    await this.ended
  }
}

/**
 * SIGHUP: the operator asks that the configuration is read again; or the terminal in which the process was started has
 * closed, and the process shall end with it, as it would without us. A process without a terminal (nohup, a service) is
 * never ended by it.
 */
import { closeSync, openSync } from 'node:fs'
import { isatty } from 'node:tty'

export class HangUps {
  readonly #hadTerminal = isatty(0)
  #reload: (() => Promise<void>) | undefined
  #isWanted = false
  #running: Promise<void> | undefined
  #isStopped = false
  #isTerminalClosed = false

  /** From here on the signal does not end the process at once. When its terminal has closed it is asked to stop. */
  constructor() {
    process.on('SIGHUP', () => {
      if (this.#isTerminalClosed) return
      this.#isTerminalClosed = this.#hadTerminal && !hasTerminal()
      if (this.#isTerminalClosed) process.kill(process.pid, 'SIGTERM')
      else this.#want()
    })
  }

  /** What a signal has done from now on, and one that came before. One at a time; several during one are one more. */
  reloadBy(reload: () => Promise<void>): void {
    this.#reload = reload
    if (this.#isWanted) this.#want()
  }

  /** Resolves when no reload is running; none begins after it. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  /** Ends a stopped process whose terminal has closed by the signal itself: Node's own exit fails without its terminal. */
  endWithTerminal(): void {
    if (!this.#isTerminalClosed) return
    process.removeAllListeners('SIGHUP')
    process.kill(process.pid, 'SIGHUP')
  }

  #want(): void {
    this.#isWanted = true
    if (this.#reload === undefined || this.#isStopped || this.#running !== undefined) return
    this.#running = this.#run(this.#reload).finally(() => (this.#running = undefined))
  }

  async #run(reload: () => Promise<void>): Promise<void> {
    while (this.#isWanted && !this.#isStopped) {
      this.#isWanted = false
      await reload()
    }
  }
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}

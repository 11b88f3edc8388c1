/**
 * How a process ends that has no time to stop in good order: for a defect, or for a second signal. What it was doing is in the
 * store, and the next process goes on with it.
 *
 * The store is closed first, which takes milliseconds: Node waits at its exit for lmdb's thread, and that waits in the middle
 * of a transaction for the event loop, which the exit has ended: for ever (seen at every second exit under load).
 */
import type { App } from './app.ts'

const CLOSE_MAX_MS = 2_000

let isEnding = false

export function endAtOnce(app: Pick<App, 'abandon'>, exitCode: number): void {
  if (isEnding) return
  isEnding = true
  setTimeout(killItself, CLOSE_MAX_MS)
  app.abandon().then(() => process.exit(exitCode), killItself)
}

/** The first process of a container takes no signal from itself, but it can abort. */
function killItself(): never {
  process.kill(process.pid, 'SIGKILL')
  process.abort()
}

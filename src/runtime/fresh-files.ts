/**
 * Files that others replace while the process runs: certificates, credentials. They are looked at by their state on disk,
 * symbolic links followed, so that a Secret that Kubernetes swaps is seen like a file that is written over.
 */
import { stat } from 'node:fs/promises'
import type { Clock } from './clock.ts'
import { startLoop, type Loop } from './loop.ts'

export interface FreshFilesOptions {
  readonly paths: () => readonly string[]
  /** Reads the files and puts what they say to use. Where it rejects, what was in use must be so still; it is called again. */
  readonly load: () => Promise<void>
  readonly everyMs: number
  readonly clock: Pick<Clock, 'sleep'>
  /** What changed is in use. */
  readonly onLoaded: () => void
  /** What changed is not in use. Told once for each state of the files. */
  readonly onError: (error: unknown) => void
}

export interface FreshFiles {
  /** Resolves when the files are in use for the first time, and looks at them from then on. Rejects as `load` does. */
  start(): Promise<void>
  /** Loads them although they did not change. */
  again(): void
  stop(): Promise<void>
}

export function keepFresh({ paths, load, everyMs, clock, onLoaded, onError }: FreshFilesOptions): FreshFiles {
  let used = ''
  let refused = ''
  let loop: Loop | undefined
  let turn = Promise.resolve()

  const look = async (): Promise<void> => {
    const state = await stateOf(paths())
    if (state === used) return
    try {
      await load()
      used = state
      refused = ''
      onLoaded()
    } catch (error) {
      if (state !== refused) onError(error)
      refused = state
    }
  }
  const inTurn = (step: () => Promise<void>): Promise<void> => (turn = turn.then(step))
  return {
    async start() {
      const state = await stateOf(paths())
      await load()
      used = state
      loop = startLoop({ everyMs, clock, round: () => inTurn(look), onError })
    },
    again() {
      void inTurn(() => {
        used = ''
        refused = ''
        return look()
      })
    },
    async stop() {
      await loop?.stop()
      await turn
    },
  }
}

/** Changes when one of the files is written, replaced or removed; taken before a file is read, it never hides a change. */
async function stateOf(paths: readonly string[]): Promise<string> {
  const states = paths.map(async (path) => {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
      return `${path} ${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
    } catch (error) {
      return `${path} ${String(error)}`
    }
  })
  return `files ${(await Promise.all(states)).join('\n')}`
}

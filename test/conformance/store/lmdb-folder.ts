/** A folder for embedded stores, removed when the test ends, and processes that use it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { openLmdbStore, type LmdbStore, type LmdbStoreOptions } from '../../../src/store/lmdb/store.ts'
import { FakeClock } from '../../support/fake-clock.ts'

export function bufferPath(name = 'buffer'): string {
  const folder = mkdtempSync(join(tmpdir(), 'hydrant-lmdb-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, name)
}

/** Closed when the test ends, if it was not closed before. */
export async function openAt(path: string, options: Partial<LmdbStoreOptions> = {}): Promise<LmdbStore> {
  const store = await openLmdbStore({
    path,
    maxBytes: 64 * 2 ** 20,
    perStreamShare: 1,
    clock: new FakeClock(),
    holder: 'test',
    ...options,
  })
  onTestFinished(() => store.close())
  return store
}

export interface Child {
  readonly process: ChildProcess
  /** The next line of its output; undefined at its end. */
  line(): Promise<string | undefined>
  kill(): Promise<void>
}

/** Starts `lmdb-child.ts`; `limitBlocks` caps the size of files it may write, in KiB. */
export function startChild(args: readonly string[], limitBlocks?: number): Child {
  const script = fileURLToPath(new URL('lmdb-child.ts', import.meta.url))
  const command = [process.execPath, '--import', 'tsx', script, ...args]
  const child =
    limitBlocks === undefined
      ? spawn(process.execPath, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
      : spawn('bash', ['-c', `trap '' XFSZ; ulimit -f ${limitBlocks}; exec "$@"`, 'bash', ...command], {
          stdio: ['ignore', 'pipe', 'ignore'],
        })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  onTestFinished(kill)
  return {
    process: child,
    line: async () => {
      const next = await lines.next()
      return next.done === true ? undefined : next.value
    },
    kill,
  }
}

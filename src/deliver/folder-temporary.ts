/**
 * Names of files that are being written. They say whose they are, so that a process that starts removes what a dead one
 * left, and nothing of those that share the root with it.
 */
import { randomBytes } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

export const TEMPORARY_FOLDER = '.tmp'

/** No put takes so long; what another machine left is judged by its age alone. */
const FOREIGN_AGE_MS = 24 * 3_600_000

/** Tells this process from an earlier one with the same number. */
const epoch = randomBytes(4).toString('hex')
const host = hostname().replaceAll(/[^\w-]/g, '-')

export function temporaryName(): string {
  return `${host}.${process.pid}.${epoch}.${randomBytes(8).toString('hex')}`
}

/** Removes the files of processes that are dead. */
export async function removeStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if (await isStale(name, path)) await rm(path, { force: true, recursive: true })
  }
}

async function isStale(name: string, path: string): Promise<boolean> {
  const [owner, pid, itsEpoch] = name.split('.')
  if (owner === host && pid !== undefined && /^[1-9]\d*$/.test(pid)) {
    return Number(pid) === process.pid ? itsEpoch !== epoch : !isAlive(Number(pid))
  }
  const found = await stat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
  return found !== undefined && Date.now() - found.mtimeMs > FOREIGN_AGE_MS
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

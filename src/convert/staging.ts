/**
 * The staging folder: where a batch's lines, spilled memory and finished objects lie until they are put.
 *
 * One folder per process, readable by its owner only, named by host, process and chance. Folders of dead processes of this
 * host are removed at start; those of other hosts (a shared volume) once nothing has touched them for a day.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { stagingError } from '../runtime/staging-file.ts'

export { StagingFile, stagingError } from '../runtime/staging-file.ts'

const OTHER_HOST_STALE_MS = 24 * 3_600_000
const FOLDER = /^hydrant-(.+)-(\d+)-[0-9a-f]{16}$/

/** Folders of this process: a restarted container has its predecessor's process id, so an id alone proves nothing. */
const own = new Set<string>()

export class StagingFolder {
  readonly path: string
  #next = 0

  private constructor(path: string) {
    this.path = path
  }

  /** Removes what dead processes left under `root` and makes this process's folder there. */
  static async open(root: string, now: () => number = Date.now): Promise<StagingFolder> {
    const name = `hydrant-${hostname()}-${process.pid}-${randomBytes(8).toString('hex')}`
    const path = join(resolve(root), name)
    own.add(name)
    try {
      await mkdir(resolve(root), { recursive: true, mode: 0o700 })
      await removeStale(resolve(root), now())
      await mkdir(path, { mode: 0o700 })
    } catch (error) {
      throw stagingError(`open staging folder ${path}`, error)
    }
    return new StagingFolder(path)
  }

  /** A new folder for the files of one conversion. */
  async folder(): Promise<string> {
    const path = join(this.path, String(this.#next++))
    try {
      await mkdir(path, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw stagingError(`make staging folder ${path}`, error)
    }
    return path
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
  }
}

async function removeStale(root: string, now: number): Promise<void> {
  for (const name of await readdir(root)) {
    const [, host, pid] = FOLDER.exec(name) ?? []
    if (host === undefined || pid === undefined || own.has(name)) continue
    const path = join(root, name)
    const isStale =
      host === hostname()
        ? Number(pid) === process.pid || !isAlive(Number(pid))
        : now - (await stat(path)).mtimeMs > OTHER_HOST_STALE_MS
    if (isStale) await rm(path, { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/**
 * The staging folder: where a batch's lines, spilled memory and finished objects lie until they are put.
 *
 * One folder per process, readable by its owner only, named by host, process and chance. Folders of dead processes of this
 * host are removed at start; those of other hosts (a shared volume) once nothing has touched them for a day.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { EncoderError } from '../domain/errors.ts'

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

/** What a failed file operation means for the conversion: tried again later, never an error record. */
export function stagingError(what: string, cause: unknown): EncoderError {
  const text = cause instanceof Error ? cause.message : String(cause)
  if (/ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/i.test(text)) {
    return new EncoderError(`${what}: the staging disk is full`, {
      code: 'DiskFull',
      hint: 'free space under convert.stagingPath: a batch needs about three times its size there',
      cause,
    })
  }
  return new EncoderError(`${what}: ${text}`, {
    code: 'Staging',
    hint: 'see that convert.stagingPath can be written by this process',
    cause,
  })
}

const GATHER_BYTES = 1 << 20

/** Writes buffers to a new file, gathered into few system calls. A buffer must not change until the next `flush`. */
export class StagingFile {
  readonly path: string
  readonly #file: FileHandle
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  bytes = 0

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  static async create(path: string): Promise<StagingFile> {
    try {
      return new StagingFile(path, await open(path, 'wx', 0o600))
    } catch (error) {
      throw stagingError(`create ${path}`, error)
    }
  }

  add(bytes: Uint8Array): void {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.byteLength
    this.bytes += bytes.byteLength
  }

  /** True when enough is gathered that `flush` should be called. */
  get isFull(): boolean {
    return this.#pendingBytes >= GATHER_BYTES || this.#pending.length >= 512
  }

  async flush(): Promise<void> {
    const pending = this.#pending
    const expected = this.#pendingBytes
    this.#pending = []
    this.#pendingBytes = 0
    if (expected === 0) return
    try {
      const { bytesWritten } = await this.#file.writev(pending)
      if (bytesWritten < expected) await this.#file.appendFile(Buffer.concat(pending).subarray(bytesWritten))
    } catch (error) {
      throw stagingError(`write ${this.path}`, error)
    }
  }

  async close(): Promise<void> {
    try {
      await this.flush()
    } finally {
      await this.#file.close()
    }
  }
}

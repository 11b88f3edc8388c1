/**
 * Objects as files: a bucket is a folder below the root, a key a path below that (folder-path.ts has the rule). For a
 * machine without an object store; a second machine may share the root if its file system keeps what fsync promises.
 *
 * A file is written to `<root>/.tmp`, fsynced, renamed to its place, and the folder is fsynced, with every folder that is
 * new, before the put succeeds. So an object is whole and durable or not there. The same key put again replaces the file in
 * one step, with the same content. Nothing below a bucket may be a symbolic link, so nothing escapes the root.
 */
import { constants } from 'node:fs'
import { copyFile, lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DestinationError } from '../domain/errors.ts'
import type { Destination, ObjectBody, ObjectToPut } from '../domain/ports.ts'
import { folderError } from './folder-errors.ts'
import { markedFolder, markedObject, namesOfKey } from './folder-path.ts'
import { removeStale, TEMPORARY_FOLDER, temporaryName } from './folder-temporary.ts'

export interface FolderOptions {
  /** Made when it is not there. */
  readonly root: string
}

/** Bucket names of S3: 3-63 lower-case letters, digits, dots and hyphens, between letters or digits. */
const BUCKET_NAME = /^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
/** Another process may put `a` while this one puts `a/b`; the loser looks again where its object belongs. */
const PLACE_TRIES = 5
const KNOWN_FOLDERS_MAX = 10_000

export function createFolderDestination({ root }: FolderOptions): Destination {
  return new Folders(root)
}

class Folders implements Destination {
  readonly #root: string
  /** The root's real path, once it is ready. */
  #ready: Promise<string> | undefined
  /** Folders whose entry in their parent is known to be durable. */
  readonly #durable = new Set<string>()

  constructor(root: string) {
    this.#root = root
  }

  async put(object: ObjectToPut, signal: AbortSignal): Promise<number> {
    const { bucket, key } = object
    const doing = `put ${bucket}/${key} into ${this.#root}`
    return await translated(doing, signal, async () => {
      const root = await this.#prepare()
      const temporary = join(root, TEMPORARY_FOLDER, temporaryName())
      try {
        const bytes = await writeDurably(object.body, temporary)
        signal.throwIfAborted()
        await this.#place(await this.#bucket(root, bucket), key, temporary, signal)
        return bytes
      } finally {
        await rm(temporary, { force: true })
      }
    })
  }

  /** Makes the bucket's folder: there is nobody else to create buckets. */
  async check(bucket: string, signal: AbortSignal): Promise<void> {
    await translated(`reach bucket ${bucket} in ${this.#root}`, signal, async () => {
      const root = await this.#prepare()
      await this.#bucket(root, bucket)
      const temporary = join(root, TEMPORARY_FOLDER, temporaryName())
      await writeDurably({ bytes: new Uint8Array() }, temporary)
      await rm(temporary)
    })
  }

  async #prepare(): Promise<string> {
    this.#ready ??= prepareRoot(this.#root)
    try {
      return await this.#ready
    } catch (error) {
      this.#ready = undefined
      throw error
    }
  }

  async #bucket(root: string, bucket: string): Promise<string> {
    if (!BUCKET_NAME.test(bucket)) {
      throw new DestinationError(`open bucket ${bucket}: not a bucket name`, {
        code: 'InvalidBucketName',
        retryable: true,
        hint: 'correct BucketARN: 3-63 lower-case letters, digits, dots and hyphens',
      })
    }
    const folder = join(root, bucket)
    if ((await this.#kind(folder)) === 'object') throw inTheWay(folder, 'a file')
    await this.#ensureFolder(root, folder)
    return folder
  }

  async #place(bucketFolder: string, key: string, temporary: string, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted()
      try {
        const { folder, path } = await this.#locate(bucketFolder, key)
        await rename(temporary, path)
        await syncFolder(folder)
        return
      } catch (error) {
        const moved = ['EISDIR', 'ENOTEMPTY', 'ENOTDIR', 'EEXIST'].includes(codeOf(error))
        if (!moved || attempt === PLACE_TRIES) throw error
      }
    }
  }

  /** Where a key belongs among what is there, its folders made. */
  async #locate(bucketFolder: string, key: string): Promise<{ folder: string; path: string }> {
    const names = namesOfKey(key)
    const object = names.at(-1) ?? ''
    let folder = bucketFolder
    for (const name of names.slice(0, -1)) {
      const next = await this.#choose(join(folder, name), join(folder, markedFolder(name)), 'folder')
      await this.#ensureFolder(folder, next)
      folder = next
    }
    return {
      folder,
      path: await this.#choose(join(folder, object), join(folder, markedObject(object)), 'object'),
    }
  }

  /** The marked name once it is in use, or while the plain one is taken by the other kind. */
  async #choose(plain: string, marked: string, kind: 'folder' | 'object'): Promise<string> {
    const plainKind = await this.#kind(plain)
    if (plainKind === kind) return plain
    if ((await this.#kind(marked)) === kind) return marked
    return plainKind === undefined ? plain : marked
  }

  async #kind(path: string): Promise<'folder' | 'object' | undefined> {
    try {
      const found = await lstat(path)
      if (found.isDirectory()) return 'folder'
      if (found.isFile()) return 'object'
      throw inTheWay(path, found.isSymbolicLink() ? 'a symbolic link' : 'neither file nor folder')
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  async #ensureFolder(parent: string, folder: string): Promise<void> {
    const made = await makeFolder(folder)
    if (!made && this.#durable.has(folder)) return
    // One that another process made may not be durable yet.
    await syncFolder(parent)
    if (this.#durable.size >= KNOWN_FOLDERS_MAX) this.#durable.clear()
    this.#durable.add(folder)
  }
}

async function prepareRoot(root: string): Promise<string> {
  const firstMade = await mkdir(root, { recursive: true })
  const real = await realpath(root)
  if (firstMade !== undefined) await syncParents(real, dirname(await realpath(firstMade)))
  const temporary = join(real, TEMPORARY_FOLDER)
  await makeFolder(temporary)
  await removeStale(temporary)
  await syncFolder(real)
  return real
}

/** Makes every new folder on the way down to `path` durable. @param above the folder that was there before */
async function syncParents(path: string, above: string): Promise<void> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    await syncFolder(folder)
    if (folder === above || folder === dirname(folder)) return
  }
}

/** True when it was not there. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    const found = await lstat(path)
    if (!found.isDirectory()) throw found.isFile() ? error : inTheWay(path, 'not a folder')
    return false
  }
}

/** Answers the bytes written. A staged file is copied, since it may be on another device. */
async function writeDurably(body: ObjectBody, path: string): Promise<number> {
  const file = await open(path, 'wx')
  try {
    if (body.path === undefined) await file.writeFile(body.bytes)
    else {
      const { mode } = await file.stat()
      await copyFile(body.path, path, constants.COPYFILE_FICLONE)
      // A copy takes the mode of the staged file, which only this process may read.
      await file.chmod(mode & 0o777)
    }
    const { size } = await file.stat()
    const length = body.path === undefined ? body.bytes.byteLength : body.length
    if (size !== length) throw new Error(`write ${path}: ${size} bytes where ${length} were promised`)
    await file.sync()
    return size
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function translated<T>(doing: string, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  try {
    signal.throwIfAborted()
    return await act()
  } catch (error) {
    if (error instanceof DestinationError) throw error
    throw folderError(error, doing, signal.aborted)
  }
}

function inTheWay(path: string, what: string): DestinationError {
  return new DestinationError(`open ${path}: ${what} is in the way`, {
    code: 'InTheWay',
    retryable: true,
    hint: `move ${path} away; buckets hold files and folders only, so that nothing is written outside of the root`,
  })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

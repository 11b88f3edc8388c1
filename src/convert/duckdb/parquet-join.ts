/**
 * Parquet files as one: row groups of the same columns after each other, and columns of the same rows beside each other. Their
 * bytes stay as they are; there is one footer, in which the places are moved.
 *
 * It is how an object's row groups are the same at any number of threads, and a table of any width fits into memory. DuckDB
 * cuts the rows of a COPY into row groups where a vector happens to end, which the threads before it decide, and it holds
 * vectors of 2,048 rows of all columns at once; so each row group, and of a wide table some columns of it, are a COPY of
 * their own.
 */
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { StagingFile, stagingError } from '../staging.ts'
import { readStruct, type ThriftStruct } from './compact-thrift.ts'
import {
  aroundRowGroups,
  besideEachOther,
  footerBesideEachOther,
  movedRowGroups,
  rowsOf,
  withoutRowGroups,
  type RowGroupPart,
} from './parquet-footer.ts'

const MAGIC = 'PAR1'
/** Length of the footer, and the magic word again. */
const ENDING_BYTES = 8
const COPY_BYTES = 1 << 20
/** Of row groups that are kept in memory. */
const GROUPS_BYTES = 4 << 20

interface Taken {
  readonly footer: ThriftStruct
  /** By how much its bytes are moved. */
  readonly move: number
}

export class ParquetJoin {
  readonly #path: string
  #file: FileHandle | undefined
  /** Where the next bytes go. */
  #end = 0
  /** Of the first files. */
  #footer: ThriftStruct | undefined
  #files = 0
  /** The row groups, written out: of a wide table they may be hundreds of megabytes. */
  #groups: StagingFile | undefined
  readonly #latest: Buffer[] = []
  #latestBytes = 0
  #count = 0
  #rows = 0n

  /** @param path of the file that all become, not there yet */
  constructor(path: string) {
    this.#path = path
  }

  /**
   * Adds the rows of these files after those before, and removes them. Each has columns of its own, the same ones in each
   * call; those of one column of the schema follow one another.
   */
  async add(paths: readonly string[]): Promise<void> {
    try {
      const parts: (readonly RowGroupPart[])[] = []
      const footers: ThriftStruct[] = []
      for (const path of paths) {
        const { footer, move } = await this.#take(path)
        parts.push(movedRowGroups(footer, move))
        if (this.#footer === undefined) footers.push(withoutRowGroups(footer))
        if (parts.length === 1) this.#rows += rowsOf(footer)
      }
      this.#footer ??= footerBesideEachOther(footers)
      const count = parts[0]?.length ?? 0
      if (parts.some((groups) => groups.length !== count))
        throw new Error('files of the same rows have other row groups')
      for (let index = 0; index < count; index += 1) {
        const beside = parts.flatMap((groups) => groups[index] ?? [])
        await this.#keepGroup(besideEachOther(beside, this.#count))
      }
    } catch (error) {
      throw stagingError(`join ${this.#path}`, error)
    }
  }

  async #keepGroup(group: Buffer): Promise<void> {
    this.#count += 1
    this.#latest.push(group)
    this.#latestBytes += group.length
    if (this.#latestBytes < GROUPS_BYTES) return
    this.#groups ??= await StagingFile.create(`${this.#path}-groups`)
    for (const each of this.#latest.splice(0)) this.#groups.add(each)
    this.#latestBytes = 0
    await this.#groups.flush()
  }

  async #take(path: string): Promise<Taken> {
    this.#files += 1
    if (this.#file === undefined) {
      await rename(path, this.#path)
      this.#file = await open(this.#path, 'r+')
      const { footer, end } = await readFooter(this.#file)
      this.#end = end
      return { footer, move: 0 }
    }
    const file = await open(path, 'r')
    try {
      const { footer, end } = await readFooter(file)
      await copyBytes(file, this.#file, { from: MAGIC.length, to: end, at: this.#end })
      const move = this.#end - MAGIC.length
      this.#end += end - MAGIC.length
      return { footer, move }
    } finally {
      await file.close()
      await rm(path)
    }
  }

  /** Makes the file of what was added, which is at least one file; answers how many rows it has, and its length. */
  async finish(): Promise<{ readonly rows: number; readonly length: number }> {
    const file = this.#file
    if (file === undefined || this.#footer === undefined) throw new Error('no Parquet file was added')
    try {
      if (this.#files > 1) await this.#writeFooter(file, this.#footer)
      return { rows: Number(this.#rows), length: (await file.stat()).size }
    } catch (error) {
      throw stagingError(`join ${this.#path}`, error)
    }
  }

  async #writeFooter(file: FileHandle, footer: ThriftStruct): Promise<void> {
    const [before, after] = aroundRowGroups(footer, this.#count, this.#rows)
    await writeBytes(file, before, this.#end)
    let at = this.#end + before.length
    if (this.#groups !== undefined) {
      const groups = await open(this.#groups.path, 'r')
      try {
        await copyBytes(groups, file, { from: 0, to: this.#groups.bytes, at })
      } finally {
        await groups.close()
      }
      at += this.#groups.bytes
    }
    for (const group of this.#latest) {
      await writeBytes(file, group, at)
      at += group.length
    }
    const ending = Buffer.alloc(ENDING_BYTES, MAGIC, 'latin1')
    ending.writeUInt32LE(at + after.length - this.#end, 0)
    await writeBytes(file, Buffer.concat([after, ending]), at)
    await file.truncate(at + after.length + ENDING_BYTES)
  }

  async close(): Promise<void> {
    await this.#file?.close()
    if (this.#groups === undefined) return
    await this.#groups.close()
    await rm(this.#groups.path, { force: true })
  }
}

async function readFooter(
  file: FileHandle,
): Promise<{ readonly footer: ThriftStruct; readonly end: number }> {
  const { size } = await file.stat()
  const ending = await readBytes(file, size - ENDING_BYTES, ENDING_BYTES)
  if (ending.toString('latin1', 4) !== MAGIC) throw new Error('it does not end like a Parquet file')
  const end = size - ENDING_BYTES - ending.readUInt32LE(0)
  return { footer: readStruct(await readBytes(file, end, size - ENDING_BYTES - end)), end }
}

interface CopiedBytes {
  readonly from: number
  readonly to: number
  /** Where they go. */
  readonly at: number
}

async function copyBytes(
  source: FileHandle,
  target: FileHandle,
  { from, to, at }: CopiedBytes,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, to - from))
  for (let done = 0; done < to - from;) {
    const length = Math.min(buffer.length, to - from - done)
    const { bytesRead } = await source.read(buffer, 0, length, from + done)
    if (bytesRead === 0) throw new Error(`it ends after ${from + done} bytes`)
    await writeBytes(target, buffer.subarray(0, bytesRead), at + done)
    done += bytesRead
  }
}

async function readBytes(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, start + done)
    if (bytesRead === 0) throw new Error(`it ends after ${start + done} bytes`)
    done += bytesRead
  }
  return bytes
}

async function writeBytes(file: FileHandle, bytes: Buffer, start: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, start + done)).bytesWritten
  }
}

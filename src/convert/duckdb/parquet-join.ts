/**
 * Parquet files of the same columns as one, the row groups of each after those of the one before: their bytes as they are,
 * and one footer, in which the places are moved.
 *
 * It is how an object's row groups are the same at any number of threads. DuckDB cuts the rows of a COPY into row groups
 * where a vector happens to end, which the threads before it decide; so each row group is a COPY of its own.
 */
import { open, rm, type FileHandle } from 'node:fs/promises'
import { stagingError } from '../staging.ts'
import {
  isList,
  isStruct,
  readStruct,
  writeStruct,
  type ThriftField,
  type ThriftStruct,
  type ThriftValue,
} from './compact-thrift.ts'

const MAGIC = 'PAR1'
/** Length of the footer, and the magic word again. */
const ENDING_BYTES = 8
const COPY_BYTES = 1 << 20

/** Ids of the fields that are used here, by the names of the format's specification. */
const FILE = { numRows: 3, rowGroups: 4 } as const
const ROW_GROUP = { columns: 1, fileOffset: 5, ordinal: 7 } as const
const CHUNK = {
  fileOffset: 2,
  metaData: 3,
  offsetIndexOffset: 4,
  columnIndexOffset: 6,
} as const
const COLUMN = {
  dataPageOffset: 9,
  indexPageOffset: 10,
  dictionaryPageOffset: 11,
  bloomFilterOffset: 14,
} as const

/** Makes the first file all of them. @param paths of at least one; all but the first are removed */
export async function joinParquet(paths: readonly string[]): Promise<void> {
  const [first, ...others] = paths
  if (first === undefined || others.length === 0) return
  const joined = await open(first, 'r+')
  try {
    const start = await readFooter(joined)
    const groups = [...rowGroupsOf(start.footer).elements]
    let { end } = start
    let rows = rowsOf(start.footer)
    for (const path of others) {
      const part = await open(path, 'r')
      try {
        const { footer, end: partEnd } = await readFooter(part)
        await copyBytes(part, joined, { from: MAGIC.length, to: partEnd, at: end })
        const move = end - MAGIC.length
        for (const group of rowGroupsOf(footer).elements) groups.push(movedGroup(group, move, groups.length))
        rows += rowsOf(footer)
        end += partEnd - MAGIC.length
      } finally {
        await part.close()
      }
      await rm(path)
    }
    await writeFooter(joined, end, withRowGroups(start.footer, groups, rows))
  } catch (error) {
    throw stagingError(`join ${first}`, error)
  } finally {
    await joined.close()
  }
}

interface Footer {
  readonly footer: ThriftStruct
  /** Where it begins: the end of what it speaks of. */
  readonly end: number
}

async function readFooter(file: FileHandle): Promise<Footer> {
  const { size } = await file.stat()
  const ending = await readBytes(file, size - ENDING_BYTES, ENDING_BYTES)
  if (ending.toString('latin1', 4) !== MAGIC) throw new Error('it does not end like a Parquet file')
  const end = size - ENDING_BYTES - ending.readUInt32LE(0)
  return { footer: readStruct(await readBytes(file, end, size - ENDING_BYTES - end)), end }
}

async function writeFooter(file: FileHandle, end: number, footer: ThriftStruct): Promise<void> {
  const bytes = writeStruct(footer)
  const ending = Buffer.alloc(ENDING_BYTES, MAGIC, 'latin1')
  ending.writeUInt32LE(bytes.length, 0)
  const all = Buffer.concat([bytes, ending])
  await writeBytes(file, all, end)
  await file.truncate(end + all.length)
}

function rowGroupsOf(footer: ThriftStruct): Extract<ThriftValue, { elementType: number }> {
  const groups = footer.get(FILE.rowGroups)?.value
  if (!isList(groups)) throw new Error('its footer has no row groups')
  return groups
}

function rowsOf(footer: ThriftStruct): bigint {
  const rows = footer.get(FILE.numRows)?.value
  if (typeof rows !== 'bigint') throw new Error('its footer has no number of rows')
  return rows
}

/** @param groups may be the first of the file, whose list of none says nothing of their type */
function withRowGroups(footer: ThriftStruct, groups: readonly ThriftValue[], rows: bigint): ThriftStruct {
  const { elementType } = rowGroupsOf(footer)
  return changed(footer, (id, { value }) => {
    if (id === FILE.numRows) return rows
    return id === FILE.rowGroups ? { elementType, elements: groups } : value
  })
}

function movedGroup(group: ThriftValue, move: number, ordinal: number): ThriftValue {
  if (!isStruct(group)) throw new Error('its footer has a row group that is none')
  return changed(group, (id, { value }) => {
    if (id === ROW_GROUP.columns && isList(value)) {
      return { ...value, elements: value.elements.map((chunk) => movedChunk(chunk, move)) }
    }
    if (id === ROW_GROUP.ordinal) return BigInt(ordinal)
    return id === ROW_GROUP.fileOffset ? moved(value, move) : value
  })
}

function movedChunk(chunk: ThriftValue, move: number): ThriftValue {
  if (!isStruct(chunk)) throw new Error('its footer has a column that is none')
  return changed(chunk, (id, { value }) => {
    if (id === CHUNK.metaData && isStruct(value)) return movedColumn(value, move)
    return isOneOf(CHUNK, id) ? moved(value, move) : value
  })
}

function movedColumn(column: ThriftStruct, move: number): ThriftValue {
  return changed(column, (id, { value }) => (isOneOf(COLUMN, id) ? moved(value, move) : value))
}

function isOneOf(ids: Readonly<Record<string, number>>, id: number): boolean {
  return Object.values(ids).includes(id)
}

/** Zero stands for no place. */
function moved(place: ThriftValue, move: number): ThriftValue {
  return typeof place === 'bigint' && place > 0n ? place + BigInt(move) : place
}

function changed(
  struct: ThriftStruct,
  valueOf: (id: number, field: ThriftField) => ThriftValue,
): ThriftStruct {
  return new Map(Array.from(struct, ([id, field]) => [id, { ...field, value: valueOf(id, field) }]))
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

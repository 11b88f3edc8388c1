/**
 * A ZIP archive of one deflated file, written as it comes, in the form in which Java's ZipOutputStream writes one: sizes
 * and checksum follow the content, in Zip64's widths where they need them (PKWARE's APPNOTE, 4.3.9 and 4.5.3).
 *
 * Nothing in it tells when or where it was written: the time is the first that the format has.
 */
import { crc32 } from 'node:zlib'

const LOCAL_HEADER = 0x04034b50
const DATA_DESCRIPTOR = 0x08074b50
const CENTRAL_HEADER = 0x02014b50
const END_64 = 0x06064b50
const END_64_LOCATOR = 0x07064b50
const END = 0x06054b50

/** A field of four bytes with this value says that its own is in the Zip64 fields. */
const IN_64 = 0xffffffff
const EXTRA_64 = 0x0001
const VERSION_DEFLATE = 20
const VERSION_64 = 45
/** Sizes and checksum follow the content. */
const FLAG_DESCRIPTOR = 1 << 3
const METHOD_DEFLATE = 8
/** 1980-01-01, 00:00. */
const DOS_TIME = 0
const DOS_DATE = (1 << 5) | 1

export class ZipEntry {
  readonly #name: Buffer
  #checksum = 0
  #contentBytes = 0
  #deflatedBytes = 0

  /** @param name of the file in the archive, in ASCII */
  constructor(name: string) {
    this.#name = Buffer.from(name, 'ascii')
  }

  /** Passes the content on, on its way to be deflated. */
  async *measured(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of content) {
      this.#checksum = crc32(chunk, this.#checksum)
      this.#contentBytes += chunk.length
      yield chunk
    }
  }

  /** The archive, around the deflated content. */
  async *archived(deflated: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const header = this.#localHeader()
    yield header
    for await (const chunk of deflated) {
      this.#deflatedBytes += chunk.length
      yield chunk
    }
    const descriptor = this.#dataDescriptor()
    yield descriptor
    const directory = this.#centralDirectory()
    yield directory
    yield end(directory.length, header.length + this.#deflatedBytes + descriptor.length)
  }

  #localHeader(): Buffer {
    const fields = record(
      [4, LOCAL_HEADER],
      this.#about(VERSION_DEFLATE),
      [4, 0, 0, 0],
      [2, this.#name.length, 0],
    )
    return Buffer.concat([fields, this.#name])
  }

  #dataDescriptor(): Buffer {
    const sizes = [this.#deflatedBytes, this.#contentBytes]
    return record([4, DATA_DESCRIPTOR, this.#checksum], [this.#is64 ? 8 : 4, ...sizes])
  }

  /** Made by MS-DOS, which has no permissions: whoever unpacks the file gets his usual ones. */
  #centralDirectory(): Buffer {
    const extra = this.#extra64()
    const version = this.#is64 ? VERSION_64 : VERSION_DEFLATE
    const [comment, disk, inside, outside, localHeaderAt] = [0, 0, 0, 0, 0]
    const fields = record(
      [4, CENTRAL_HEADER],
      [2, version],
      this.#about(version),
      [4, this.#checksum, Math.min(this.#deflatedBytes, IN_64), Math.min(this.#contentBytes, IN_64)],
      [2, this.#name.length, extra.length, comment, disk, inside],
      [4, outside, localHeaderAt],
    )
    return Buffer.concat([fields, this.#name, extra])
  }

  #about(version: number): Fields {
    return [2, version, FLAG_DESCRIPTOR, METHOD_DEFLATE, DOS_TIME, DOS_DATE]
  }

  get #is64(): boolean {
    return this.#contentBytes >= IN_64 || this.#deflatedBytes >= IN_64
  }

  /** The sizes that do not fit into four bytes, in the order of the format. */
  #extra64(): Buffer {
    const sizes = [this.#contentBytes, this.#deflatedBytes].filter((size) => size >= IN_64)
    return sizes.length === 0 ? Buffer.alloc(0) : record([2, EXTRA_64, 8 * sizes.length], [8, ...sizes])
  }
}

/** @param directoryAt where the central directory begins */
function end(directoryBytes: number, directoryAt: number): Buffer {
  const [disk, directoryDisk, entriesHere, entries, comment] = [0, 0, 1, 1, 0]
  const ending = record(
    [4, END],
    [2, disk, directoryDisk, entriesHere, entries],
    [4, directoryBytes, Math.min(directoryAt, IN_64)],
    [2, comment],
  )
  if (directoryAt < IN_64) return ending
  const bytesThatFollow = 44
  const ending64 = record(
    [4, END_64],
    [8, bytesThatFollow],
    [2, VERSION_64, VERSION_64],
    [4, disk, directoryDisk],
    [8, entriesHere, entries, directoryBytes, directoryAt],
  )
  const disks = 1
  const locator = record([4, END_64_LOCATOR, disk], [8, directoryAt + directoryBytes], [4, disks])
  return Buffer.concat([ending64, locator, ending])
}

/** Fields of so many bytes each. */
type Fields = readonly [bytes: 2 | 4 | 8, ...values: readonly number[]]

/** The fields one after the other, little endian. */
function record(...runs: readonly Fields[]): Buffer {
  const bytes = Buffer.alloc(runs.reduce((sum, [width, ...values]) => sum + width * values.length, 0))
  let at = 0
  for (const [width, ...values] of runs) {
    for (const value of values) {
      if (width === 8) bytes.writeBigUInt64LE(BigInt(value), at)
      else bytes.writeUIntLE(value, at, width)
      at += width
    }
  }
  return bytes
}

/** Delivery without conversion: the records' bytes joined with nothing between them, compressed as the stream asks. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { derivedUuid } from '../domain/derived-uuid.ts'
import type { Frame } from '../domain/frame.ts'
import { RAW } from '../domain/plan.ts'
import type { EncodeInput, Encoded, Encoder, ObjectBody } from '../domain/ports.ts'
import { compress, objectNaming } from './compression/compress.ts'
import { StagingFile, StagingFolder } from './staging.ts'

/** Objects up to this stay in memory. */
const SMALL_BYTES_MAX = 1024 * 1024

export interface RawEncoder extends Encoder {
  readonly version: string
  close(): Promise<void>
}

/** @param options.stagingPath where the process's staging folder is made */
export async function openRawEncoder(options: { readonly stagingPath: string }): Promise<RawEncoder> {
  const staging = await StagingFolder.open(options.stagingPath)
  return {
    version: RAW.engineVersion,
    encode: (input) => encode(input, staging),
    close: () => staging.remove(),
  }
}

async function encode(input: EncodeInput, staging: StagingFolder): Promise<Encoded> {
  const { compression } = input.plan.destination
  const sink = new BodySink(staging)
  let records = 0
  let bytes = 0
  const recordBytes = async function* (): AsyncGenerator<Buffer> {
    for await (const frame of input.frames()) {
      input.signal.throwIfAborted()
      records += frame.records
      bytes += frame.recordBytes
      if (frame.recordBytes > 0) yield joined(frame)
    }
  }
  try {
    await compress(compression, recordBytes(), (chunks) => sink.take(chunks), {
      entryName: entryName(input.batch),
      signal: input.signal,
    })
    const body = await sink.finish()
    return {
      objects: bytes === 0 ? [] : [{ part: 0, rows: records, body, ...objectNaming(compression) }],
      rows: bytes === 0 ? 0 : records,
      errors: {},
      dropped: bytes === 0 ? records : 0,
      failures: noFailures,
      dispose: () => sink.dispose(),
    }
  } catch (error) {
    await sink.dispose()
    throw input.signal.aborted ? input.signal.reason : error
  }
}

/** Firehose draws a UUID for the file in a ZIP, another than that of the object's name. */
function entryName({ stream, batchId }: EncodeInput['batch']): string {
  return derivedUuid(['zip-entry', stream.incarnation, batchId])
}

/** The records of a frame without our newlines. */
function joined(frame: Frame): Buffer {
  const bytes = Buffer.allocUnsafe(frame.recordBytes)
  let end = 0
  for (const record of frame.recordViews()) end += record.copy(bytes, end)
  return bytes
}

async function* noFailures(): AsyncIterable<never> {
  // Bytes that are delivered as they are have nothing that could be wrong with them.
}

/** Gathers an object's bytes in memory, and in a file once they are many. */
class BodySink {
  readonly #staging: StagingFolder
  #held: Buffer[] = []
  #heldBytes = 0
  #folder: string | undefined
  #file: StagingFile | undefined

  constructor(staging: StagingFolder) {
    this.#staging = staging
  }

  async take(chunks: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of chunks) {
      if (this.#file === undefined && this.#heldBytes + chunk.length <= SMALL_BYTES_MAX) {
        this.#held.push(chunk)
        this.#heldBytes += chunk.length
        continue
      }
      const file = await this.#spill()
      file.add(chunk)
      if (file.isFull) await file.flush()
    }
  }

  async #spill(): Promise<StagingFile> {
    if (this.#file !== undefined) return this.#file
    this.#folder = await this.#staging.folder()
    this.#file = await StagingFile.create(join(this.#folder, 'object'))
    for (const chunk of this.#held) this.#file.add(chunk)
    this.#held = []
    return this.#file
  }

  async finish(): Promise<ObjectBody> {
    const file = this.#file
    if (file === undefined) return { bytes: Buffer.concat(this.#held) }
    this.#file = undefined
    await file.close()
    return { path: file.path, length: file.bytes }
  }

  async dispose(): Promise<void> {
    this.#held = []
    const file = this.#file
    this.#file = undefined
    try {
      await file?.close()
    } finally {
      if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
    }
  }
}

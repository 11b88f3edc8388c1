/** Delivery without conversion: the records' bytes joined with nothing between them, compressed as the stream asks. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { derivedUuid } from '../domain/derived-uuid.ts'
import type { Frame } from '../domain/frame.ts'
import { RAW } from '../domain/plan.ts'
import type { EncodeInput, Encoded, EncodedObject, Encoder, ObjectBody } from '../domain/ports.ts'
import { compress, objectNaming } from './compression/compress.ts'
import { recordsByObject, type ObjectRecords } from './records-by-object.ts'
import { StagingFile, StagingFolder } from './staging.ts'

/** Objects stay in memory until those of a batch have more together. */
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
  const bodies = new BodyFolder(staging)
  try {
    const records = await recordsByObject(input, {
      path: () => bodies.path('records'),
      withMetadata: false,
    })
    const objects: EncodedObject[] = []
    let dropped = 0
    try {
      for await (const object of records.objects()) {
        const written = await encodeObject(input, object, bodies)
        if (written.bytes === 0) dropped += written.object.rows
        else objects.push(written.object)
      }
    } finally {
      await records.dispose()
    }
    return {
      objects,
      rows: objects.reduce((sum, { rows }) => sum + rows, 0),
      errors: {},
      dropped,
      failures: noFailures,
      dispose: () => bodies.dispose(),
    }
  } catch (error) {
    await bodies.dispose()
    throw input.signal.aborted ? input.signal.reason : error
  }
}

/** Answers the object, and the bytes of its records. */
async function encodeObject(
  input: EncodeInput,
  object: ObjectRecords,
  bodies: BodyFolder,
): Promise<{ readonly object: EncodedObject; readonly bytes: number }> {
  const { compression } = input.plan.destination
  const sink = new BodySink(bodies, `object-${object.index}`)
  let rows = 0
  let bytes = 0
  const recordBytes = async function* (): AsyncGenerator<Buffer> {
    for await (const frame of object.frames()) {
      input.signal.throwIfAborted()
      rows += frame.records
      bytes += frame.recordBytes
      if (frame.recordBytes > 0) yield joined(frame)
    }
  }
  try {
    await compress(compression, recordBytes(), (chunks) => sink.take(chunks), {
      entryName: entryName(input, object.index),
      signal: input.signal,
    })
  } finally {
    await sink.close()
  }
  return { object: { part: object.index, rows, body: sink.body, ...objectNaming(compression) }, bytes }
}

/** Firehose draws a UUID for the file in a ZIP, another than that of the object's name. */
function entryName({ batch: { stream, batchId }, objectOf }: EncodeInput, index: number): string {
  const part = objectOf === undefined ? [] : [String(index)]
  return derivedUuid(['zip-entry', stream.incarnation, batchId, ...part])
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

/** What a batch's objects may take in memory, and the folder for the others, made for the first of them. */
class BodyFolder {
  readonly #staging: StagingFolder
  #folder: string | undefined
  #freeBytes = SMALL_BYTES_MAX

  constructor(staging: StagingFolder) {
    this.#staging = staging
  }

  /** True when there is memory for so many bytes more. */
  take(bytes: number): boolean {
    if (bytes > this.#freeBytes) return false
    this.#freeBytes -= bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#freeBytes += bytes
  }

  async path(name: string): Promise<string> {
    this.#folder ??= await this.#staging.folder()
    return join(this.#folder, name)
  }

  async dispose(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Gathers an object's bytes in memory, and in a file once they are many. */
class BodySink {
  readonly #bodies: BodyFolder
  readonly #name: string
  #held: Buffer[] = []
  #heldBytes = 0
  #file: StagingFile | undefined

  constructor(bodies: BodyFolder, name: string) {
    this.#bodies = bodies
    this.#name = name
  }

  async take(chunks: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of chunks) {
      if (this.#file === undefined && this.#bodies.take(chunk.length)) {
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
    this.#file = await StagingFile.create(await this.#bodies.path(this.#name))
    for (const chunk of this.#held) this.#file.add(chunk)
    this.#bodies.giveBack(this.#heldBytes)
    this.#held = []
    this.#heldBytes = 0
    return this.#file
  }

  /** After the last chunk, or when it is given up. */
  async close(): Promise<void> {
    await this.#file?.close()
  }

  /** After `close`. */
  get body(): ObjectBody {
    const file = this.#file
    return file === undefined ? { bytes: Buffer.concat(this.#held) } : { path: file.path, length: file.bytes }
  }
}

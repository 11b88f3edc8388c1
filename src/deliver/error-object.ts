/** Collects error lines: in memory while they are few, else in a staged file, so that a batch of nothing but bad records is bounded. */
import { open, type FileHandle } from 'node:fs/promises'
import type { ObjectBody } from '../domain/ports.ts'

const IN_MEMORY_BYTES_MAX = 1024 * 1024

export interface ErrorLines {
  readonly body: ObjectBody
  readonly count: number
}

/** @param path where to spill; made only when needed, removed by the caller. Undefined when there is no line. */
export async function collectErrorLines(
  lines: AsyncIterable<string>,
  path: string,
): Promise<ErrorLines | undefined> {
  let held: Buffer[] = []
  let heldBytes = 0
  let spilledBytes = 0
  let count = 0
  let file: FileHandle | undefined
  try {
    for await (const line of lines) {
      const bytes = Buffer.from(line)
      held.push(bytes)
      heldBytes += bytes.length
      count += 1
      if (heldBytes <= IN_MEMORY_BYTES_MAX) continue
      file ??= await open(path, 'w', 0o600)
      spilledBytes += await writeAll(file, held)
      held = []
      heldBytes = 0
    }
    if (count === 0) return undefined
    if (file === undefined) return { body: { bytes: Buffer.concat(held) }, count }
    spilledBytes += await writeAll(file, held)
    return { body: { path, length: spilledBytes }, count }
  } finally {
    await file?.close()
  }
}

async function writeAll(file: FileHandle, buffers: readonly Buffer[]): Promise<number> {
  const bytes = Buffer.concat(buffers)
  await file.appendFile(bytes)
  return bytes.length
}

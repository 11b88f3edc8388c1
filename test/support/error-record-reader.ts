/** Reads error objects with a script in Python's own JSON and base64, written for files of the real service. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface ReadErrorRecord {
  readonly kind: string
  readonly code: string
  readonly message: string
  readonly attempts: number
  readonly function: string | null
  readonly data: Buffer
}

export interface ErrorObject {
  readonly errorType: string
  readonly body: Buffer
}

/** The records of all objects, in order. Throws what the script did not expect. */
export function readErrorObjects(objects: readonly ErrorObject[]): ReadErrorRecord[] {
  const script = fileURLToPath(new URL('error-record-reader.py', import.meta.url))
  const input = objects.flatMap(({ errorType, body }) => [Buffer.from(`${errorType} ${body.length}\n`), body])
  const { status, stdout, stderr } = spawnSync('python3', [script], {
    input: Buffer.concat(input),
    maxBuffer: 256 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(`read error objects: ${stderr.toString()}`)
  return stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const record = JSON.parse(line) as Omit<ReadErrorRecord, 'data'> & { readonly data: string }
      return { ...record, data: Buffer.from(record.data, 'hex') }
    })
}

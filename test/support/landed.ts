/** Reads back what landed, with a Parquet reader that we did not write. */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parquetReadObjects } from 'hyparquet'

export interface LandedObject {
  readonly key: string
  readonly bytes: Buffer
}

/** Every object below `<root>/<bucket>`, in order of keys. */
export async function listFolderBucket(root: string, bucket: string): Promise<LandedObject[]> {
  const base = join(root, bucket)
  const entries = await readdir(base, { recursive: true, withFileTypes: true }).catch(() => [])
  const objects: LandedObject[] = []
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    objects.push({ key: relative(base, path), bytes: await readFile(path) })
  }
  return objects.toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

export type Row = Record<string, unknown>

/** The rows of a Parquet object in order. */
export async function parquetRows({ bytes }: LandedObject): Promise<Row[]> {
  const file = new Uint8Array(bytes).buffer
  return (await parquetReadObjects({ file })) as Row[]
}

/** Rows of all Parquet objects. */
export async function allParquetRows(objects: readonly LandedObject[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const object of objects) if (object.key.endsWith('.parquet')) rows.push(...(await parquetRows(object)))
  return rows
}

export interface ErrorLine {
  readonly lastErrorCode: string
  readonly lastErrorMessage: string
  readonly rawData: string
}

/** The error records below an error prefix. */
export function errorLines(objects: readonly LandedObject[], prefix = 'errors/'): ErrorLine[] {
  return objects
    .filter(({ key }) => key.startsWith(prefix))
    .flatMap(({ bytes }) => bytes.toString().trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as ErrorLine)
}

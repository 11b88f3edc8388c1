/** Rows as Parquet files: an object is a row group at a time, each written by one ordered COPY, or by some beside each other. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TypedColumn } from '../hive-types.ts'
import { defect, type Conversion } from './conversion-context.ts'
import { ParquetJoin } from './parquet-join.ts'
import { copyToParquet } from './query.ts'
import { dictionaryBytes } from './row-groups.ts'

export interface ConvertedObject {
  readonly index: number
  readonly rows: number
  readonly path: string
  readonly length: number
}

export interface CopyOptions {
  readonly columns: readonly TypedColumn[]
  /** Most rows of a row group. */
  readonly rowGroupRows: number
  /** A number of it may be minus zero. */
  readonly hasMinusZero: boolean
}

/** Rows of an object that are a row group. */
export interface RowGroupQuery {
  readonly query: string
  readonly hasMinusZero: boolean
}

/** The Parquet file of an object, made of its row groups. */
export class ObjectFile {
  readonly path: string
  readonly #index: number
  readonly #joined: ParquetJoin
  #rows = 0

  constructor({ folder }: Conversion, index: number) {
    this.#index = index
    this.path = join(folder, `object-${index}.parquet`)
    this.#joined = new ParquetJoin(this.path)
  }

  /** Adds a row group, unless it has no rows. @param paths of its columns, see `ParquetJoin.add` */
  async add(rows: number, paths: readonly string[]): Promise<void> {
    this.#rows += rows
    if (rows > 0) await this.#joined.add(paths)
    else await Promise.all(paths.map((path) => rm(path, { force: true })))
  }

  /** Undefined when it has no rows; there is no file then. */
  async finish(): Promise<ConvertedObject | undefined> {
    try {
      if (this.#rows === 0) return undefined
      const { rows, length } = await this.#joined.finish()
      if (rows !== this.#rows) throw defect(`${this.#rows} rows were written, ${rows} came back`)
      return { index: this.#index, rows, path: this.path, length }
    } finally {
      await this.close()
    }
  }

  /** May be called again. */
  close(): Promise<void> {
    return this.#joined.close()
  }
}

/** Answers the number of rows, which are a row group unless there is none. */
export async function copyRows(
  { session, rules }: Conversion,
  query: string,
  path: string,
  options: CopyOptions,
): Promise<number> {
  const settings = { ...options, conversion: rules, dictionaryBytes: dictionaryBytes(options.columns) }
  const [rows = 0] = await session.numbers(copyToParquet(query, path, settings))
  return rows
}

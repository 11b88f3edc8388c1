/**
 * The native engine: JSON to Parquet with DuckDB, off the event loop. docs/decisions/0001-duckdb-conversion.md says why it
 * is built so; what each type takes is hive-types'.
 */
import { rm } from 'node:fs/promises'
import type { Log } from '../account/log.ts'
import { EncoderError, StartError } from '../domain/errors.ts'
import { CONVERSION_RULES_VERSION } from '../domain/plan.ts'
import type { EncodeInput, Encoded, Encoder } from '../domain/ports.ts'
import type { LayoutOptions } from '../domain/record-layout/layout.ts'
import { convertBatch, type Converted } from './duckdb/conversion.ts'
import { DuckdbEngine } from './duckdb/engine.ts'
import { QuickPathError } from './duckdb/quick-path-error.ts'
import { warnOfTakenColumns } from './metadata-columns.ts'
import { StagingFolder } from './staging.ts'

export interface DuckdbOptions {
  readonly stagingPath: string
  /** Threads of all conversions of the process together. */
  readonly threads: number
  /** For all conversions of the process together. */
  readonly memoryLimitBytes: number
  /** When the layout of records is learnt; tests learn it sooner. */
  readonly layout?: LayoutOptions
  readonly log: Log
}

export interface DuckdbEncoder extends Encoder {
  /** Part of each plan: objects of one version are alike in every process. */
  readonly version: string
  close(): Promise<void>
}

/** Rejects with StartError when the native library cannot be loaded. */
export async function openDuckdbEncoder(options: DuckdbOptions): Promise<DuckdbEncoder> {
  const staging = await StagingFolder.open(options.stagingPath)
  const engine = await openEngine(staging, options)
  const version = `duckdb-${engine.version}-rules-${CONVERSION_RULES_VERSION}`
  options.log.info({ engine: 'duckdb', engineVersion: version, threads: options.threads }, 'encoder opened')
  return {
    version,
    encode: (input) => encode(input, { staging, engine, layout: options.layout, log: options.log }),
    async close() {
      await engine.close()
      await staging.remove()
    },
  }
}

async function openEngine(staging: StagingFolder, options: DuckdbOptions): Promise<DuckdbEngine> {
  try {
    return await DuckdbEngine.open({ ...options, folder: staging.path })
  } catch (error) {
    await staging.remove()
    throw new StartError('open encoder: DuckDB cannot be started', {
      cause: error,
      hint: 'see the cause; on a platform without DuckDB’s native library set convert.engine to js',
    })
  }
}

interface Parts {
  readonly staging: StagingFolder
  readonly engine: DuckdbEngine
  readonly layout: LayoutOptions | undefined
  readonly log: Log
}

async function encode(input: EncodeInput, parts: Parts): Promise<Encoded> {
  warnOfTakenColumns(parts.log, input)
  if (input.careful) return attempt(input, parts, true)
  try {
    return await attempt(input, parts, false)
  } catch (error) {
    const again =
      error instanceof QuickPathError || (error instanceof EncoderError && error.code === 'OutOfMemory')
    if (!again) throw error
    parts.log.warn({ batchId: input.batch.batchId, err: error }, 'conversion is repeated carefully')
    return await attempt(input, parts, true)
  }
}

async function attempt(
  input: EncodeInput,
  { staging, engine, layout }: Parts,
  careful: boolean,
): Promise<Encoded> {
  const folder = await staging.folder()
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const run = careful ? engine.alone.bind(engine) : engine.together.bind(engine)
    const converted = await run(
      (session) => convertBatch(session, input, { folder, careful, layout }),
      input.batch.bytes,
      input.signal,
    )
    return encoded(converted, remove)
  } catch (error) {
    await remove()
    if (error instanceof QuickPathError && careful) {
      throw new EncoderError(error.message, { code: 'LinesLost', cause: error })
    }
    throw error
  }
}

function encoded({ objects, failures }: Converted, dispose: () => Promise<void>): Encoded {
  return {
    objects: objects.map(({ index, rows, path, length }) => ({
      part: index,
      rows,
      body: { path, length },
      extension: '.parquet',
    })),
    rows: objects.reduce((sum, { rows }) => sum + rows, 0),
    errors: failures.errors,
    dropped: 0,
    failures: () => failures.entries(),
    dispose,
  }
}

/**
 * Which tables an engine converts to. Asked when a stream is configured, and again before a batch is planned: tables change in
 * their catalog, and another process may have another engine.
 */
import type { Column, FormatConversion } from '../domain/delivery-stream.ts'
import { EncoderError } from '../domain/errors.ts'
import type { ConvertingEngine } from '../domain/plan.ts'
import { isNested, typedColumns, type TypedColumn } from './hive-types.ts'

type ServedOptions = Pick<
  FormatConversion,
  'hive' | 'timestampUnit' | 'parquetCompression' | 'parquetVersion'
>

/** @throws EncoderError that says what of these columns cannot be converted to, or not by this engine */
export function checkColumns(
  engine: ConvertingEngine,
  columns: readonly Column[],
  conversion: ServedOptions,
): void {
  const typed = typedColumns(columns, conversion)
  const what = engine === 'js' ? unservedByJs(typed, conversion) : undefined
  if (what === undefined) return
  throw new EncoderError(
    `convert.engine js does not serve ${what}; set convert.engine to duckdb, or do without`,
    { code: 'DataFormatConversion.InvalidSchema' },
  )
}

/** The same as a sentence, or undefined. */
export function unsupportedColumns(
  engine: ConvertingEngine,
  columns: readonly Column[],
  conversion: ServedOptions,
): string | undefined {
  try {
    checkColumns(engine, columns, conversion)
    return undefined
  } catch (error) {
    if (error instanceof EncoderError) return error.message
    throw error
  }
}

function unservedByJs(columns: readonly TypedColumn[], conversion: ServedOptions): string | undefined {
  if (conversion.parquetCompression === 'ZSTD') return 'the compression ZSTD'
  if (conversion.parquetVersion === 2) return 'the Parquet writer version V2'
  const nested = columns.find(({ type }) => isNested(type))
  return nested && `column ${JSON.stringify(nested.name)}, which is of type ${nested.type.kind}`
}

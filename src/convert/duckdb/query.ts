/**
 * The SQL of a conversion. DuckDB keeps a value only when it is beyond doubt; whatever else a column's grammar takes is left
 * to the exact path. So each expression below accepts a plain subset of `acceptedText`, never more.
 *
 * read_json with `ignore_errors` parses each line once and gives a row for every line, all null for one that it cannot
 * read. Columns that are not text are read as JSON: their text then still tells a number from a string, so that the kind
 * casts (`1_000`, ` 1`, `0x10`, `epoch`) meet numbers only. Line n of the file is row n of the table (rowid).
 */
import type { ParquetCompression } from '../../domain/delivery-stream.ts'
import { unreachable } from '../../domain/errors.ts'
import type { HiveType, TypedColumn } from '../hive-types.ts'

/** Columns beside the schema's own in the files and tables of a conversion; no lower-case name can be one of them. */
const LINE = 'LINE\u0001'
const DOUBT = 'DOUBT\u0001'

export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

export interface LinesFile {
  readonly path: string
  /** Length of the longest line, with its newline. */
  readonly lineBytesMax: number
}

/** Bytes of a line that read_json makes room for at the least. */
const LINE_BYTES_FLOOR = 1 << 20

function readLines(file: LinesFile, members: readonly (readonly [key: string, type: string])[]): string {
  const columns = members.map(([key, type]) => `${quotedText(key)}: '${type}'`).join(', ')
  const lineBytes = Math.max(LINE_BYTES_FLOOR, 2 ** Math.ceil(Math.log2(file.lineBytesMax + 1)))
  return (
    `read_json(${quotedText(file.path)}, format='newline_delimited', records=true, ignore_errors=true, ` +
    `auto_detect=false, compression='uncompressed', maximum_object_size=${lineBytes}, columns={${columns}})`
  )
}

/** The lines of records as typed rows with a doubt: in doubt are lines not read, rows of nulls and values not taken. */
export function createRows(
  table: string,
  file: LinesFile,
  columns: readonly TypedColumn[],
  keys: readonly string[],
): string {
  const raw = columns.map((_, index) => `r${index}`)
  const source = readLines(
    file,
    columns.map(({ type }, index) => [keys[index] ?? '', isReadAsText(type) ? 'VARCHAR' : 'JSON']),
  )
  const values = columns.map(({ type }, index) => `${columnValue(type, `r${index}`)} AS v${index}`)
  const refused = columns
    .map((column, index) => ({ column, index }))
    .filter(({ column }) => column.type.kind !== 'string')
    .map(({ index }) => `(r${index} IS NOT NULL AND v${index} IS NULL)`)
  const doubt = [`(${raw.map((name) => `${name} IS NULL`).join(' AND ')})`, ...refused].join(' OR ')
  return (
    `CREATE TEMP TABLE ${table} AS SELECT ${raw.map((_, index) => `v${index}`).join(', ')}, ` +
    `(${doubt}) AS ${quotedName(DOUBT)} FROM (SELECT ${raw.join(', ')}, ${values.join(', ')} ` +
    `FROM (SELECT * FROM ${source}) AS lines(${raw.join(', ')}))`
  )
}

/** Rows set aside by the exact path, each under the ordinal of its record. A value not taken is a defect of ours. */
export function createAside(
  table: string,
  file: LinesFile,
  columns: readonly TypedColumn[],
  keys: readonly string[],
): string {
  const source = readLines(file, [
    [LINE, 'BIGINT'],
    ...columns.map(
      ({ type }, index) => [keys[index] ?? '', isReadAsText(type) ? 'VARCHAR' : 'JSON'] as const,
    ),
  ])
  const raw = columns.map((_, index) => `r${index}`)
  const values = columns.map(({ type }, index) => `${columnValue(type, `r${index}`)} AS v${index}`)
  const refused = columns.map((_, index) => `(r${index} IS NOT NULL AND v${index} IS NULL)`).join(' OR ')
  return (
    `CREATE TEMP TABLE ${table} AS SELECT line, ${raw.map((_, index) => `v${index}`).join(', ')}, ` +
    `(line IS NULL OR ${refused}) AS ${quotedName(DOUBT)} FROM (SELECT line, ${raw.join(', ')}, ` +
    `${values.join(', ')} FROM (SELECT * FROM ${source}) AS lines(line, ${raw.join(', ')}))`
  )
}

/** A line of the file that `createAside` reads. */
export function asideLine(ordinal: number, members: string): string {
  return `{${JSON.stringify(LINE)}:${ordinal}${members === '' ? '' : `,${members}`}}\n`
}

/** One row: rows, rows in doubt, rows with a minus zero. */
export function countRows(table: string, columns: readonly TypedColumn[]): string {
  const isMinusZero = columns.flatMap(({ type }, index) =>
    type.kind === 'float' || type.kind === 'double' ? [`(v${index} = 0 AND signbit(v${index}))`] : [],
  )
  const minusZeros = isMinusZero.length === 0 ? '0' : `count(*) FILTER (${isMinusZero.join(' OR ')})`
  return `SELECT count(*), count(*) FILTER (${quotedName(DOUBT)}), ${minusZeros} FROM ${table}`
}

export function doubtfulRows(table: string): string {
  return `SELECT rowid::INTEGER FROM ${table} WHERE ${quotedName(DOUBT)} ORDER BY ALL`
}

/** Most records set aside that are put between the others as ranges of the table; more are merged by sorting. */
export const RANGES_MAX = 40

/** The rows beyond doubt, those set aside at the places of their records. `asideOrdinals`: ascending, undefined if many. */
export function orderedRows(
  rows: string,
  aside: string | undefined,
  asideOrdinals: readonly number[] | undefined,
  columns: readonly TypedColumn[],
): string {
  const values = columns.map(({ name }, index) => `v${index} AS ${quotedName(name)}`).join(', ')
  const sure = `FROM ${rows} WHERE NOT ${quotedName(DOUBT)}`
  if (aside === undefined) return `SELECT ${values} ${sure}`
  if (asideOrdinals !== undefined) {
    const parts: string[] = []
    let from = 0
    for (const ordinal of asideOrdinals) {
      if (ordinal > from) parts.push(`SELECT ${values} ${sure} AND rowid BETWEEN ${from} AND ${ordinal - 1}`)
      parts.push(`SELECT ${values} FROM ${aside} WHERE line = ${ordinal}`)
      from = ordinal + 1
    }
    parts.push(`SELECT ${values} ${sure} AND rowid >= ${from}`)
    return parts.join(' UNION ALL ')
  }
  const names = columns.map((_, index) => `v${index}`).join(', ')
  return (
    `SELECT ${values} FROM (SELECT rowid AS line, 0 AS place, ${names} ${sure} UNION ALL ` +
    `SELECT line, rowid AS place, ${names} FROM ${aside}) ORDER BY line, place`
  )
}

/** The rows of Parquet files, one file after the other. */
export function partsInOrder(paths: readonly string[]): string {
  return `SELECT * FROM read_parquet([${paths.map(quotedText).join(', ')}])`
}

export function copyToParquet(query: string, path: string, options: ParquetOptions): string {
  const { compression, rowGroupRows, hasMinusZero } = options
  // A dictionary has one entry for 0 and -0, whichever comes first.
  const dictionary = hasMinusZero ? ', DICTIONARY_SIZE_LIMIT 1' : ''
  return (
    `COPY (${query}) TO ${quotedText(path)} ` +
    `(FORMAT parquet, COMPRESSION ${compression.toLowerCase()}, ROW_GROUP_SIZE ${rowGroupRows}${dictionary})`
  )
}

export interface ParquetOptions {
  readonly compression: ParquetCompression
  readonly rowGroupRows: number
  readonly hasMinusZero: boolean
}

function isReadAsText(type: HiveType): boolean {
  return type.kind === 'string' || type.kind === 'date' || type.kind === 'timestamp'
}

const INTEGER_TYPES = { tinyint: 'TINYINT', smallint: 'SMALLINT', int: 'INTEGER', bigint: 'BIGINT' } as const

/** The characters of a JSON string that needs no unescaping. */
const unquoted = (text: string): string => `substr(${text}, 2, strlen(${text}) - 2)`

/**
 * The value of a column's text, null when it is in doubt. The first branch is the common form and cheap: a cast that is
 * proved by writing the value again, or one that meets JSON numbers only; a pattern costs twice as much and is second.
 */
export function columnValue(type: HiveType, raw: string): string {
  const text = `${raw}::VARCHAR`
  switch (type.kind) {
    case 'string':
      return raw
    case 'boolean':
      return `CASE ${text} WHEN 'true' THEN true WHEN 'false' THEN false WHEN '"true"' THEN true WHEN '"false"' THEN false END`
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return integerValue(text, INTEGER_TYPES[type.kind])
    case 'float':
      return floatValue(text, 'FLOAT')
    case 'double':
      return floatValue(text, 'DOUBLE')
    case 'decimal':
      return decimalValue(text, type.precision, type.scale)
    case 'date':
      return `CASE WHEN try_cast(${raw} AS DATE)::VARCHAR = ${raw} AND strlen(${raw}) = 10 THEN try_cast(${raw} AS DATE) END`
    case 'timestamp':
      return timestampValue(raw)
    default:
      return unreachable(type)
  }
}

function integerValue(text: string, type: string): string {
  return (
    `CASE WHEN try_cast(${text} AS ${type})::VARCHAR = ${text} THEN try_cast(${text} AS ${type}) ` +
    `WHEN regexp_full_match(${text}, '-?[0-9]{1,15}[.]0') THEN try_cast(${text} AS ${type}) ` +
    `WHEN regexp_full_match(${text}, '"-?[0-9]{1,19}"') THEN try_cast(${unquoted(text)} AS ${type}) END`
  )
}

function floatValue(text: string, type: string): string {
  const number = type === 'FLOAT' ? '-?[0-9]{1,7}([.][0-9]{1,7})?' : '-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?'
  const plain = `try_cast(${text} AS ${type})`
  const quoted = `try_cast(${unquoted(text)} AS ${type})`
  return (
    `CASE WHEN isfinite(${plain}) THEN ${plain} ` +
    `WHEN regexp_full_match(${text}, '"${number}"') AND isfinite(${quoted}) THEN ${quoted} ` +
    `WHEN ${text} IN ('"NaN"', '"Infinity"', '"-Infinity"') THEN ${quoted} END`
  )
}

/** Numbers that need no rounding; those of many digits never come here but as strings, which keep them. */
function decimalValue(text: string, precision: number, scale: number): string {
  const fraction = scale === 0 ? '([.]0)?' : `([.][0-9]{1,${scale}})?`
  const type = `DECIMAL(${precision}, ${scale})`
  return (
    `CASE WHEN regexp_full_match(${text}, '-?[0-9]{1,38}${fraction}') THEN try_cast(${text} AS ${type}) ` +
    `WHEN regexp_full_match(${text}, '"-?[0-9]{1,38}${fraction}"') THEN try_cast(${unquoted(text)} AS ${type}) END`
  )
}

/** Last whole second of the year 9999. */
const SECONDS_MAX = 253_402_300_799

/**
 * The two written forms with two digits a field, cut to the millisecond, and epoch seconds or milliseconds that are whole
 * numbers after 1970.
 */
function timestampValue(text: string): string {
  const date = '[0-9]{4}-[0-9]{2}-[0-9]{2}'
  const time = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?'
  const epoch = `try_cast(${text} AS BIGINT)`
  return (
    `CASE WHEN regexp_full_match(${text}, '${date}(T${time}Z| ${time})') AND ${text} >= '0001' ` +
    `THEN try_cast(left(${text}, 23) AS TIMESTAMP_MS) ` +
    `WHEN regexp_full_match(${text}, '[0-9]{1,12}') AND ${epoch} <= ${SECONDS_MAX} ` +
    `THEN make_timestamp_ms(${epoch} * 1000)::TIMESTAMP_MS ` +
    `WHEN regexp_full_match(${text}, '[1-9][0-9]{12,13}') THEN make_timestamp_ms(${epoch})::TIMESTAMP_MS END`
  )
}

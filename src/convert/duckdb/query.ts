/**
 * The SQL of a conversion.
 *
 * read_json with `ignore_errors` parses each line once and gives a row for every line, all null for one that it cannot
 * read; line n of the file is row n of the table (rowid).
 */
import type { FormatConversion } from '../../domain/delivery-stream.ts'
import type { TypedColumn } from '../hive-types.ts'
import { holdsMinusZero, plainType, plainValue, quotedName, quotedText } from './column-sql.ts'
import type { LineColumn } from './line-columns.ts'

/**
 * Columns beside the schema's own in the files and tables of a conversion. DuckDB tells no capitals apart; no name, and no key
 * of plain values, begins with U+0001.
 */
const LINE = '\u0001LINE'
const DOUBT = '\u0001DOUBT'

export interface LinesFile {
  readonly path: string
  /** Length of the longest line, with its newline. */
  readonly lineBytesMax: number
}

/** Bytes of a line that is made room for at the least. */
const LINE_BYTES_FLOOR = 1 << 20

function lineRoom(file: LinesFile): number {
  return Math.max(LINE_BYTES_FLOOR, 2 ** Math.ceil(Math.log2(file.lineBytesMax + 1)))
}

type Member = readonly [key: string, type: string]

export function readLines(file: LinesFile, members: readonly Member[], ignoreErrors: boolean): string {
  const columns = members.map(([key, type]) => `${quotedText(key)}: ${quotedText(type)}`).join(', ')
  return (
    `read_json(${quotedText(file.path)}, format='newline_delimited', records=true, ` +
    `ignore_errors=${ignoreErrors}, auto_detect=false, compression='uncompressed', ` +
    `hive_partitioning=false, maximum_object_size=${lineRoom(file)}, columns={${columns}})`
  )
}

const hasOwnPlainKey = ({ key, plainKey }: LineColumn): boolean => key !== plainKey

/**
 * The rows of lines that are each of proved or of plain values, read strictly: a value that was not proved fails the query.
 *
 * @param hasPlain some are of plain values
 */
export function provedRows(file: LinesFile, columns: readonly LineColumn[], hasPlain: boolean): string {
  const names = columns.map(({ name }) => quotedName(name))
  return provedValues(file, columns, names, hasPlain)
}

/** The same as a table; row n is line n. */
export function createProved(
  table: string,
  file: LinesFile,
  columns: readonly LineColumn[],
  hasPlain: boolean,
): string {
  const names = columns.map((_, index) => `v${index}`)
  return `CREATE TEMP TABLE ${table} AS ${provedValues(file, columns, names, hasPlain)}`
}

function provedValues(
  file: LinesFile,
  columns: readonly LineColumn[],
  as: readonly string[],
  hasPlain: boolean,
): string {
  const { members, names, valueOf } = rawLines(columns, ({ proved }) => proved, hasPlain)
  const values = columns.map((column, index) => `${valueOf(column, index)} AS ${as[index] ?? ''}`)
  return `SELECT ${values.join(', ')} FROM (SELECT * FROM ${readLines(file, members, false)}) AS lines(${names.join(', ')})`
}

type Reading = LineColumn['quick'] | LineColumn['proved']

/**
 * What lines hold of columns: r0 and so on as records have them, and where plain values have a key of their own p0 and so on,
 * of which one is there.
 */
function rawLines(
  columns: readonly LineColumn[],
  readingOf: (column: LineColumn) => Reading,
  hasPlain: boolean,
) {
  const members: Member[] = []
  const names: string[] = []
  for (const [index, column] of columns.entries()) {
    members.push([column.key, readingOf(column).rawType])
    names.push(`r${index}`)
    if (!hasPlain || !hasOwnPlainKey(column)) continue
    members.push([column.plainKey, plainType(column)])
    names.push(`p${index}`)
  }
  const valueOf = (column: LineColumn, index: number): string => {
    const value = readingOf(column).value(`r${index}`, 0)
    if (!hasPlain || !hasOwnPlainKey(column)) return value
    return `CASE WHEN p${index} IS NOT NULL THEN ${plainValue(column, `p${index}`)} ELSE ${value} END`
  }
  return { members, names, valueOf }
}

/**
 * The lines of records as typed rows with a doubt: in doubt are lines not read, rows of nulls and values not taken. A column
 * with a plain key of its own is there in one form or the other.
 */
export function createRows(table: string, file: LinesFile, columns: readonly LineColumn[]): string {
  const { members, names, valueOf } = rawLines(columns, ({ quick }) => quick, true)
  const values = columns.map((column, index) => `${valueOf(column, index)} AS v${index}`)
  const doubts = columns
    .map(({ quick }, index) => quick.doubt(`r${index}`, `v${index}`, 0))
    .filter((doubt) => doubt !== 'false')
  const doubt = [`(${names.map((name) => `${name} IS NULL`).join(' AND ')})`, ...doubts].join(' OR ')
  const lines = `(SELECT * FROM ${readLines(file, members, true)}) AS lines(${names.join(', ')})`
  return (
    `CREATE TEMP TABLE ${table} AS SELECT ${columns.map((_, index) => `v${index}`).join(', ')}, ` +
    `(${doubt}) AS ${quotedName(DOUBT)} FROM (SELECT ${[...names, ...values].join(', ')} FROM ${lines})`
  )
}

/** Rows set aside by the exact path, each under the ordinal of its line. A value not taken is a defect of ours. */
export function createAside(table: string, file: LinesFile, columns: readonly LineColumn[]): string {
  const members = columns.map((column): Member => [column.plainKey, plainType(column)])
  const raw = columns.map((_, index) => `r${index}`)
  const values = columns.map((column, index) => `${plainValue(column, `r${index}`)} AS v${index}`)
  const refused = columns.map((_, index) => `(r${index} IS NOT NULL AND v${index} IS NULL)`).join(' OR ')
  const lines = `(SELECT * FROM ${readLines(file, [[LINE, 'BIGINT'], ...members], false)}) AS lines(line, ${raw.join(', ')})`
  return (
    `CREATE TEMP TABLE ${table} AS SELECT line, ${raw.map((_, index) => `v${index}`).join(', ')}, ` +
    `(line IS NULL OR ${refused}) AS ${quotedName(DOUBT)} FROM (SELECT line, ${raw.join(', ')}, ` +
    `${values.join(', ')} FROM ${lines})`
  )
}

/** A line of the file that `createAside` reads. */
export function asideLine(ordinal: number, opening: string, members: string): string {
  return `${opening}${JSON.stringify(LINE)}:${ordinal}${members === '' ? '' : `,${members}`}}\n`
}

/** One row: rows, rows in doubt, rows that may have a minus zero. */
export function countRows(table: string, columns: readonly TypedColumn[]): string {
  return `SELECT count(*), count(*) FILTER (${quotedName(DOUBT)}), ${minusZeros(columns)} FROM ${table}`
}

/**
 * One row: rows of some lines that may have a minus zero.
 *
 * @param line what tells the line of a row of the table
 */
export function countMinusZeros(
  table: string,
  line: string,
  lines: LineRange,
  columns: readonly TypedColumn[],
): string {
  return `SELECT ${minusZeros(columns)} FROM ${table} WHERE ${isAmong(line, lines)}`
}

function minusZeros(columns: readonly TypedColumn[]): string {
  const isMinusZero = columns.flatMap(({ type }, index) => holdsMinusZero(type, `v${index}`) ?? [])
  return isMinusZero.length === 0 ? '0' : `count(*) FILTER (${isMinusZero.join(' OR ')})`
}

export function doubtfulRows(table: string): string {
  return `SELECT rowid::INTEGER FROM ${table} WHERE ${quotedName(DOUBT)} ORDER BY ALL`
}

/** Lines that follow one another, which are rows of a table. */
export interface LineRange {
  readonly first: number
  /** Behind the last. */
  readonly end: number
}

function isAmong(line: string, { first, end }: LineRange): string {
  return `${line} BETWEEN ${first} AND ${end - 1}`
}

/** The rows of some lines of a table. */
export function rowsAmong(table: string, lines: LineRange, columns: readonly TypedColumn[]): string {
  return `SELECT ${namedValues(columns)} FROM ${table} WHERE ${isAmong('rowid', lines)}`
}

function namedValues(columns: readonly TypedColumn[]): string {
  return columns.map(({ name }, index) => `v${index} AS ${quotedName(name)}`).join(', ')
}

/**
 * The rows of some lines that are beyond doubt, and those set aside at the places of their lines.
 *
 * @param aside undefined when none is set aside among them: merging them in takes a sort
 */
export function sureRowsAmong(
  rows: string,
  aside: string | undefined,
  lines: LineRange,
  columns: readonly TypedColumn[],
): string {
  const sure = `FROM ${rows} WHERE NOT ${quotedName(DOUBT)} AND ${isAmong('rowid', lines)}`
  if (aside === undefined) return `SELECT ${namedValues(columns)} ${sure}`
  const names = columns.map((_, index) => `v${index}`).join(', ')
  // Without its table's name, `line` would be a column of that name in the object.
  return (
    `SELECT ${namedValues(columns)} FROM (SELECT rowid AS line, ${names} ${sure} UNION ALL SELECT line, ${names} ` +
    `FROM ${aside} WHERE ${isAmong('line', lines)}) AS placed ORDER BY placed.line`
  )
}

/** Lines up to this long are read as text first. */
const TEXT_LINE_BYTES_MAX = 4 << 20

/**
 * The rows of a file of plain values, as they are, every column in every line. A value that does not fit fails the query.
 * Read as text first, because read_csv needs a few MiB where read_json takes 32 MiB a thread; of long lines more.
 */
export function plainRows(file: LinesFile, columns: readonly LineColumn[]): string {
  const lineBytes = lineRoom(file)
  if (lineBytes > TEXT_LINE_BYTES_MAX) return plainRowsOfPart(file, columns)
  const structure = Object.fromEntries(columns.map((column) => [column.plainKey, plainType(column)]))
  const values = columns.map((column) => {
    const value = plainValue(column, `struct_extract(s, ${quotedText(column.plainKey)})`)
    return `${value} AS ${quotedName(column.name)}`
  })
  return (
    `SELECT ${values.join(', ')} FROM (SELECT json_transform_strict(line, ${quotedText(JSON.stringify(structure))}) AS s ` +
    `FROM read_csv(${quotedText(file.path)}, columns={'line': 'VARCHAR'}, delim='\u0001', quote='', escape='', ` +
    `header=false, auto_detect=false, compression='none', parallel=false, new_line='\\n', ` +
    `hive_partitioning=false, max_line_size=${lineBytes}, buffer_size=${4 * lineBytes}))`
  )
}

/** The same of a part of a wide table: columns that are null are left out there, or a line would be of nothing but nulls. */
export function plainRowsOfPart(file: LinesFile, columns: readonly LineColumn[]): string {
  const members = columns.map((column): Member => [column.plainKey, plainType(column)])
  const raw = columns.map((_, index) => `r${index}`)
  const values = columns.map(
    (column, index) => `${plainValue(column, `r${index}`)} AS ${quotedName(column.name)}`,
  )
  const lines = `(SELECT * FROM ${readLines(file, members, false)}) AS lines(${raw.join(', ')})`
  return `SELECT ${values.join(', ')} FROM ${lines}`
}

/** DuckDB takes what is by less than a vector smaller than a row group for a whole one. */
const VECTOR_ROWS = 2048

export function copyToParquet(query: string, path: string, options: ParquetOptions): string {
  const { conversion, rowGroupRows, dictionaryBytes, hasMinusZero } = options
  const settings = [
    'FORMAT parquet',
    `COMPRESSION ${conversion.parquetCompression.toLowerCase()}`,
    `PARQUET_VERSION ${conversion.parquetVersion === 2 ? 'V2' : 'V1'}`,
    `ROW_GROUP_SIZE ${rowGroupRows + VECTOR_ROWS}`,
    `STRING_DICTIONARY_PAGE_SIZE_LIMIT ${dictionaryBytes}`,
    // A dictionary has one entry for 0 and -0, whichever comes first; a limit of 0 entries means none. DuckDB's own limit is a
    // fifth of the rows that a row group has: one for small row groups alike would give columns of different values dictionaries.
    ...(hasMinusZero ? ['DICTIONARY_SIZE_LIMIT 0'] : []),
  ]
  return `COPY (${query}) TO ${quotedText(path)} (${settings.join(', ')})`
}

export interface ParquetOptions {
  readonly conversion: Pick<FormatConversion, 'parquetCompression' | 'parquetVersion'>
  /** Most rows of a row group; the query gives no more. */
  readonly rowGroupRows: number
  /** Most of one column of text. */
  readonly dictionaryBytes: number
  readonly hasMinusZero: boolean
}

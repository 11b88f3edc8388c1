/**
 * Real, messy data through both engines: every source row is in the Parquet, value by value, or among the failures with a
 * reason.
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { openDuckdbEncoder } from '../../src/convert/duckdb-encoder.ts'
import { openParquetjsEncoder } from '../../src/convert/parquetjs-encoder.ts'
import { outcomeOf, type Cell, type OpenedEncoder, type Outcome } from '../conformance/encoder/encoding.ts'

type Column = readonly [name: string, type: string, key?: string]
type Source = readonly Readonly<Record<string, unknown>>[]

const data = (file: string): Source =>
  JSON.parse(
    readFileSync(new URL(`../../node_modules/vega-datasets/data/${file}`, import.meta.url), 'utf8'),
  ) as Source

const MOVIES: readonly Column[] = [
  ['title', 'string', 'Title'],
  ['us gross', 'bigint', 'US Gross'],
  ['worldwide gross', 'bigint', 'Worldwide Gross'],
  ['us dvd sales', 'bigint', 'US DVD Sales'],
  ['production budget', 'decimal(15,2)', 'Production Budget'],
  ['release date', 'string', 'Release Date'],
  ['mpaa rating', 'string', 'MPAA Rating'],
  ['running time min', 'smallint', 'Running Time min'],
  ['distributor', 'string', 'Distributor'],
  ['source', 'string', 'Source'],
  ['major genre', 'string', 'Major Genre'],
  ['creative type', 'string', 'Creative Type'],
  ['director', 'string', 'Director'],
  ['rotten tomatoes rating', 'tinyint', 'Rotten Tomatoes Rating'],
  ['imdb rating', 'double', 'IMDB Rating'],
  ['imdb votes', 'int', 'IMDB Votes'],
]

const FLIGHTS: readonly Column[] = [
  ['date', 'string'],
  ['delay', 'smallint'],
  ['distance', 'int'],
  ['origin', 'string'],
  ['destination', 'string'],
]

const INTEGER_MAX: Readonly<Record<string, number>> = {
  tinyint: 127,
  smallint: 32_767,
  int: 2_147_483_647,
  bigint: 2 ** 53,
}

/** What the column should hold, said anew and simply; undefined when it cannot hold the value. */
function wanted(value: unknown, type: string): Cell | undefined {
  if (value === null || value === undefined) return null
  if (type === 'string') return typeof value === 'string' ? value : JSON.stringify(value)
  if (typeof value !== 'number') return undefined
  if (type === 'double') return Object.is(value, -0) ? '-0' : String(value)
  if (type.startsWith('decimal')) return value.toFixed(2)
  return Number.isInteger(value) && Math.abs(value) <= (INTEGER_MAX[type] ?? 0) ? String(value) : undefined
}

function expectAllRows(source: Source, columns: readonly Column[], { rows, failures }: Outcome): void {
  const failed = new Map(failures.map((failure) => [failure.ordinal, failure]))
  let next = 0
  for (const [ordinal, row] of source.entries()) {
    const cells = columns.map(([name, type, key = name]) => wanted(row[key], type))
    const failure = failed.get(ordinal)
    if (cells.includes(undefined)) {
      expect(failure?.message, `row ${ordinal}`).toMatch(
        /^Data does not match the schema[.] For input string: /,
      )
      continue
    }
    expect(failure, `row ${ordinal}`).toBeUndefined()
    const landed = rows[next]
    next += 1
    if (cells.some((cell, index) => cell !== landed?.[index])) expect(landed, `row ${ordinal}`).toEqual(cells)
  }
  expect(rows.length).toBe(next)
  expect(rows.length + failures.length).toBe(source.length)
}

let stagingPath = ''
const engines: Record<string, OpenedEncoder> = {}

beforeAll(async () => {
  stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-vega-'))
  const log = createLog('silent')
  engines['duckdb'] = await openDuckdbEncoder({
    stagingPath,
    threads: 2,
    memoryLimitBytes: 256 * 1024 * 1024,
    log,
  })
  engines['js'] = await openParquetjsEncoder({ stagingPath, log })
})

afterAll(async () => {
  for (const encoder of Object.values(engines)) await encoder.close()
  await rm(stagingPath, { recursive: true })
})

describe.each(['duckdb', 'js'])('%s', (engine) => {
  const convert = (source: Source, columns: readonly Column[]): Promise<Outcome> => {
    const encoder = engines[engine]
    if (encoder === undefined) throw new Error(`no engine ${engine}`)
    const records = source.map((row) => JSON.stringify(row))
    return outcomeOf(encoder, { columns: columns.map(([name, type]) => [name, type]), records })
  }

  test('every movie is in the Parquet', async () => {
    const movies = data('movies.json')
    const outcome = await convert(movies, MOVIES)
    expectAllRows(movies, MOVIES, outcome)
    expect(outcome.rows.length).toBeGreaterThan(3000)
  })

  test('a movie whose numbers are too large for the columns is a failure that says which', async () => {
    const movies = data('movies.json')
    const columns = MOVIES.map(([name, type, key]): Column => [
      name,
      type === 'bigint' ? 'int' : type,
      key ?? name,
    ])
    const outcome = await convert(movies, columns)
    expectAllRows(movies, columns, outcome)
    expect(outcome.failures.length).toBeGreaterThan(0)
    expect(outcome.rows.length).toBeGreaterThan(3000)
  })

  test('dates in English words are failures of a date column, and the rows without one land', async () => {
    const movies = data('movies.json')
    const { rows, failures } = await convert(movies, [['release date', 'date', 'Release Date']])
    expect(rows.length).toBe(movies.filter((movie) => movie['Release Date'] === null).length)
    expect(rows.length + failures.length).toBe(movies.length)
    expect(new Set(failures.map(({ message }) => message))).toEqual(
      new Set(['Data does not match the schema. Invalid format for one or more dates.']),
    )
  })

  test.each(['flights-2k.json', 'flights-20k.json'])('every flight of %s is in the Parquet', async (file) => {
    const flights = data(file)
    expectAllRows(flights, FLIGHTS, await convert(flights, FLIGHTS))
  })

  test('200,000 flights are in the Parquet', async () => {
    const flights = data('flights-200k.json')
    const columns: readonly Column[] = [['delay', 'smallint'], ['distance', 'int'], ['time', 'double']] // prettier-ignore
    expectAllRows(flights, columns, await convert(flights, columns))
  })

  test('flights land or fail by whether their delay fits a tinyint', async () => {
    const flights = data('flights-20k.json')
    const columns = FLIGHTS.map(([name, type]): Column => [name, name === 'delay' ? 'tinyint' : type])
    const outcome = await convert(flights, columns)
    expectAllRows(flights, columns, outcome)
    expect(outcome.failures.length).toBeGreaterThan(0)
  })
})

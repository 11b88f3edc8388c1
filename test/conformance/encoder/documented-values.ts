/** The tables of values in docs/firehose-compatibility.md, as they stand there. */
import { readFileSync } from 'node:fs'

export type SerDe = 'OpenXJsonSerDe' | 'HiveJsonSerDe'

export interface Documented {
  readonly type: string
  readonly json: string
  readonly serde: SerDe
  /** What is made of the value, as the JSON that stands for it; undefined with `verdict` or `isRefused`. */
  readonly value?: string
  readonly verdict?: { readonly code: string; readonly message: string }
  /** The stream is, when it is configured. */
  readonly isRefused?: true
}

const page = readFileSync(new URL('../../../docs/firehose-compatibility.md', import.meta.url), 'utf8')

/** The cells of the table whose first line begins so, without its head. */
function tableOf(head: RegExp): string[][] {
  const lines = page.split('\n')
  const start = lines.findIndex((line) => head.test(line))
  if (start < 0) throw new Error(`no table ${head.source}`)
  const rest = lines.slice(start + 2)
  return rest
    .slice(
      0,
      rest.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
}

const code = (cell: string): string => /^`(.*)`$/.exec(cell)?.[1] ?? ''

const messages = new Map(
  tableOf(/^\| Short +\|/).map(([short = '', message = '']): [string, string] => [short, code(message)]),
)

function outcomeOf(cell: string): Pick<Documented, 'value' | 'verdict' | 'isRefused'> {
  if (cell === 'refused when the stream is configured') return { isRefused: true }
  if (cell.startsWith('`')) return { value: code(cell) }
  const [, key, short = '', , what = ''] = /^✗ (key, )?([a-z ]*[a-z])( `(.*)`)?$/.exec(cell) ?? []
  const message = messages.get(short)
  if (message === undefined) throw new Error(`what is the cell ${cell}?`)
  return {
    verdict: {
      code: `DataFormatConversion.${key === undefined ? 'MalformedData' : 'InvalidRecord'}`,
      message: message.replace('…', () => what),
    },
  }
}

function documented(): readonly Documented[] {
  let type = ''
  return tableOf(/^\| Type +\| JSON +\| OpenXJsonSerDe +\| HiveJsonSerDe +\|/).flatMap((cells) => {
    const [typeCell = '', jsonCell = '', openx = '', hive = ''] = cells
    if (cells.length !== 4) throw new Error(`a line of ${cells.length} cells: ${cells.join(' | ')}`)
    if (typeCell !== '') type = code(typeCell)
    const json = code(jsonCell)
    return [
      { type, json, serde: 'OpenXJsonSerDe' as const, ...outcomeOf(openx) },
      { type, json, serde: 'HiveJsonSerDe' as const, ...outcomeOf(hive === 'the same' ? openx : hive) },
    ]
  })
}

export const documentedValues = documented()

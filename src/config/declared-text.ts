/** Delivery streams and tables as the text of a configuration file, with comments. */
import { stringify } from 'yaml'
import type { Column, JsonObject } from '../domain/delivery-stream.ts'

export interface DeclaredStream {
  readonly declaration: JsonObject
  /** Sentences above it. */
  readonly comments: readonly string[]
  /** Written as a comment, so that the file holds without it. False: not written at all, but for the sentences. */
  readonly written: 'yes' | 'as comment' | 'no'
}

export interface DeclaredTable {
  readonly database: string
  readonly table: string
  readonly columns: readonly Column[]
}

export function declaredText(
  comments: readonly string[],
  streams: readonly DeclaredStream[],
  tables: readonly DeclaredTable[],
): string {
  const isEmpty = streams.every(({ written }) => written !== 'yes')
  return [
    ...comments.flatMap((sentence) => commented(sentence, '')),
    ...catalogLines(tables),
    isEmpty ? 'deliveryStreams: []' : 'deliveryStreams:',
    ...streams.flatMap(streamLines),
    '',
  ].join('\n')
}

function streamLines({ declaration, comments, written }: DeclaredStream): string[] {
  const lines = yaml([declaration]).map((line) => `  ${line}`)
  return [
    ...comments.flatMap((sentence) => commented(sentence, '  ')),
    ...(written === 'yes' ? lines : []),
    ...(written === 'as comment' ? lines.map((line) => `#${line}`) : []),
  ]
}

function catalogLines(tables: readonly DeclaredTable[]): string[] {
  if (tables.length === 0) return []
  const databases = new Map<string, Map<string, { columns: readonly Column[] }>>()
  for (const { database, table, columns } of tables) {
    const known = databases.get(database) ?? new Map<string, { columns: readonly Column[] }>()
    databases.set(database, known.set(table, { columns }))
  }
  return yaml({ catalog: { databases } })
}

function yaml(value: unknown): string[] {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd().split('\n')
}

/** A sentence cannot leave its comment, whatever is quoted in it. */
function commented(sentence: string, indent: string): string[] {
  return sentence.split(/[\n\r\u0085\u2028\u2029]+/).map((line) => `${indent}# ${line}`)
}

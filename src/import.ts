/**
 * Delivery streams of AWS as a part of our configuration: from what `describe-delivery-stream` prints, or from a template.
 * What cannot be declared here is there as a comment that says why.
 */
import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { readAwsText } from './config/aws-text.ts'
import { declaredText, type DeclaredTable } from './config/declared-text.ts'
import { StartError } from './domain/errors.ts'
import { DESCRIPTION_NOTE, descriptionIn, foundInDescription } from './import/described.ts'
import type { Found } from './import/imported.ts'
import { judged, sameTable, tableOf } from './import/judged.ts'
import { Placeholders } from './import/placeholders.ts'
import { foundInTemplate, templateIn } from './import/template.ts'

export interface Imported {
  /** A part of a configuration file. */
  readonly text: string
  /** Names that are declared in it. */
  readonly declared: readonly string[]
  readonly refused: readonly { readonly name: string; readonly reasons: readonly string[] }[]
}

/** Parameters of a template that are given, in the place of their defaults; pseudo parameters such as `AWS::Region` too. */
export type Parameters = ReadonlyMap<string, string>

/**
 * @param path `-` is standard input
 * @throws StartError when it cannot be read or holds no delivery stream
 */
export async function importFile(path: string, parameters: Parameters): Promise<Imported> {
  return importText(await textAt(path), path === '-' ? 'standard input' : path, parameters)
}

async function textAt(path: string): Promise<string> {
  try {
    return path === '-' ? await textOf(process.stdin) : await readFile(path, 'utf8')
  } catch (cause) {
    throw unreadable(path, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

function unreadable(path: string, problem: string, cause?: unknown): StartError {
  return new StartError(`import ${path}: ${problem}`, { cause, hint: WANTED })
}

const WANTED =
  'give what `aws firehose describe-delivery-stream` prints (JSON or YAML, one or several), or a CloudFormation template'

/**
 * @param source where the text is from, in words
 * @throws StartError when it is none of what is wanted
 */
export function importText(text: string, source: string, parameters: Parameters = new Map()): Imported {
  const read = readAwsText(text)
  if (read.kind === 'refused') throw unreadable(source, read.problem)
  try {
    return importValues(read.values.flat(), source, parameters)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw unreadable(
      source,
      'it is nested too deeply, goes round in circles, or makes too much of itself',
      cause,
    )
  }
}

function importValues(values: readonly unknown[], source: string, parameters: Parameters): Imported {
  const placeholders = new Placeholders()
  const found: Found[] = []
  const notes = new Set<string>()
  const tables: DeclaredTable[] = []
  for (const value of values) {
    const template = templateIn(value)
    const description = descriptionIn(value)
    if (description !== undefined) {
      found.push(foundInDescription(description))
      notes.add(DESCRIPTION_NOTE)
    } else if (template !== undefined) {
      const inside = foundInTemplate(template, { parameters, placeholders })
      found.push(...inside.streams)
      for (const note of inside.notes) notes.add(note)
      tables.push(...inside.tables)
    } else throw unreadable(source, 'it holds something that is neither a description nor a template')
  }
  if (found.length === 0) throw unreadable(source, 'it holds no delivery stream')
  const streams = judged(found, placeholders, tables)
  const declared = streams.filter(({ written }) => written === 'yes')
  const needed = tables.filter((table) =>
    declared.some(({ declaration }) => sameTable(table, tableOf(declaration))),
  )
  return {
    text: declaredText([`Imported from ${source} by hydrant import.`, ...notes], streams, needed),
    declared: declared.map(({ name }) => name),
    refused: streams.filter(({ written }) => written !== 'yes'),
  }
}

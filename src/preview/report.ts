/** What a preview prints, for people: the schema, what each record becomes, the objects, and the sum. */
import { aligned } from '../aligned.ts'
import type { DeliveryStream } from '../domain/delivery-stream.ts'
import type { Plan } from '../domain/plan.ts'
import type { DryLanding, PreviewedRecord } from './dry-landing.ts'

export interface Preview extends DryLanding {
  readonly stream: DeliveryStream
  readonly plan: Plan
  /** What is otherwise in production, in sentences. */
  readonly notes: readonly string[]
}

/** @param recordsMax records that are listed; the sum counts all */
export function previewText(preview: Preview, recordsMax: number): string {
  const { stream, batch, notes } = preview
  const lines = [
    `delivery stream ${stream.name}: ${counted(batch.records, 'record')}, ${counted(batch.bytes, 'byte')}`,
    ...notes.map((note) => `note: ${note}`),
    ...schemaLines(preview.plan),
    ...recordLines(preview.records, recordsMax),
    ...objectLines(preview),
    '',
    sum(preview),
  ]
  return `${lines.join('\n')}\n`
}

/** The same for programs, with every record. */
export function previewJson({ stream, batch, plan, notes, records, outcome }: Preview): string {
  const { records: count, bytes } = batch
  const { table, columns } = plan
  const schema = table && { database: table.databaseName, table: table.tableName, columns }
  const sample = { records: count, bytes }
  return `${JSON.stringify({ deliveryStream: stream.name, sample, notes, schema, records, outcome })}\n`
}

function schemaLines({ columns, table }: Plan): string[] {
  if (columns === undefined || table === undefined)
    return ['', 'schema: none, records are delivered as they are']
  const rows = columns.map(({ name, type }) => [`  ${name}`, type])
  return ['', `schema: ${table.databaseName}.${table.tableName}`, ...aligned([['  COLUMN', 'TYPE'], ...rows])]
}

function recordLines(records: readonly PreviewedRecord[], max: number): string[] {
  const rows = records.slice(0, max).map((record) => [`  ${numberOf(record)}`, fateOf(record)])
  const rest = records.length - rows.length
  return [
    '',
    'records:',
    ...aligned([['  RECORD', 'KEY OF ITS OBJECT'], ...rows]),
    ...(rest > 0 ? [`  … and ${rest} more (--limit lists more)`] : []),
  ]
}

/** `3`, or `3.2` for the second of the records that it is made into. */
function numberOf({ record, part }: PreviewedRecord): string {
  return part === undefined ? String(record) : `${record}.${part}`
}

function fateOf({ key, failure }: PreviewedRecord): string {
  if (failure !== undefined)
    return `fails: ${failure.errorType}, ${failure.code}: ${printable(failure.message)}`
  return key === undefined ? 'yields nothing' : printable(key)
}

function objectLines({ outcome }: DryLanding): string[] {
  if (outcome.objects.length === 0) return ['', 'objects: none']
  const rows = outcome.objects.map(({ bucket, key, bytes, rows: count, kind }) => [
    `  ${kind}`,
    String(count),
    String(bytes),
    `${bucket}/${printable(key)}`,
  ])
  return ['', 'objects:', ...aligned([['  KIND', 'ROWS', 'BYTES', 'BUCKET/KEY'], ...rows])]
}

function sum({ outcome }: DryLanding): string {
  const { delivered, failed, dropped, rows } = outcome
  return `${delivered} delivered, ${failed} failed, ${dropped} dropped; ${counted(rows, 'row')}`
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

/** What a record holds must not steer a terminal, nor break a line. */
function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}

/** What can be declared of what was found, and why the rest cannot. */
import type { DeclaredStream, DeclaredTable } from '../config/declared-text.ts'
import { nearestName } from '../config/nearest-name.ts'
import type { JsonObject } from '../domain/delivery-stream.ts'
import { checkDeclaration } from '../receive/declarations.ts'
import type { Found } from './imported.ts'
import type { Placeholders } from './placeholders.ts'
import { mapOf } from './untyped.ts'

export interface Judged extends DeclaredStream {
  readonly name: string
  /** Why it cannot be declared; empty when it is. */
  readonly reasons: readonly string[]
}

/** @param tables that are written into the same file */
export function judged(
  found: readonly Found[],
  placeholders: Placeholders,
  tables: readonly DeclaredTable[],
): Judged[] {
  const names = new Set<unknown>()
  return found.map((stream) => {
    const { DeliveryStreamName: name } = stream.declaration
    const isDouble = names.has(name)
    names.add(name)
    const sample = placeholders.sampled(stream.declaration)
    const reasons = isDouble ? ['a delivery stream of this name stands above'] : refusals(stream, sample)
    return {
      name: stream.name,
      declaration: placeholders.written(stream.declaration),
      reasons,
      written: reasons.length === 0 ? 'yes' : isS3(stream.declaration) ? 'as comment' : 'no',
      comments:
        reasons.length === 0
          ? comments(stream, placeholders, { sample, tables })
          : reasons.map((reason) => `${stream.name} was not imported: ${reason}`),
    }
  })
}

function refusals({ refusal, declaration }: Found, sample: JsonObject): string[] {
  if (refusal !== undefined) return [refusal]
  const other = Object.keys(declaration).find((name) => name.endsWith('DestinationConfiguration'))
  const problems = problemsOf(sample, 'relaxed')
  // The other sentences are about the source, which would do; the destination is what is in the way.
  return isS3(declaration) || other === undefined
    ? problems
    : problems.filter((problem) => problem.includes(other))
}

function isS3(declaration: JsonObject): boolean {
  return (
    mapOf(declaration)['ExtendedS3DestinationConfiguration'] !== undefined ||
    mapOf(declaration)['S3DestinationConfiguration'] !== undefined
  )
}

function problemsOf(declaration: JsonObject, limits: 'aws' | 'relaxed'): string[] {
  return checkDeclaration(declaration, {
    region: 'us-east-1',
    accountId: '000000000000',
    limits,
    nearestName,
  })
}

interface Context {
  readonly sample: JsonObject
  readonly tables: readonly DeclaredTable[]
}

function comments(
  { declaration, notes }: Found,
  placeholders: Placeholders,
  { sample, tables }: Context,
): string[] {
  const table = tableOf(declaration)
  const isThere = tables.some((known) => sameTable(known, table))
  return [
    ...notes,
    ...placeholders
      .in(declaration)
      .map(({ name, origin }) => `Set the environment variable ${name}: ${origin}.`),
    ...(problemsOf(sample, 'aws').length > 0 ? ['It needs "limits: relaxed" in the configuration.'] : []),
    ...(table === undefined || isThere
      ? []
      : [
          `catalog.databases needs the columns of table ${table.database}.${table.table}, or set "catalog: { glue: true }" if AWS Glue has it.`,
        ]),
  ]
}

/** The table with which a declaration converts. */
export function tableOf(declaration: JsonObject): { database: string; table: string } | undefined {
  const destination = mapOf(declaration['ExtendedS3DestinationConfiguration'])
  const conversion = mapOf(destination['DataFormatConversionConfiguration'])
  const { DatabaseName: database, TableName: table } = mapOf(conversion['SchemaConfiguration'])
  if (conversion['Enabled'] === false || typeof database !== 'string' || typeof table !== 'string')
    return undefined
  return { database, table }
}

export function sameTable(
  known: Pick<DeclaredTable, 'database' | 'table'>,
  wanted: Pick<DeclaredTable, 'database' | 'table'> | undefined,
): boolean {
  return known.database === wanted?.database && known.table === wanted.table
}

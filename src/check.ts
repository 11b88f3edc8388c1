/** A configuration file and the delivery streams in it, checked without touching anything but the file. */
import { tableColumns } from './config/catalog.ts'
import { inOrder, readConfig, type Loaded } from './config/file.ts'
import { nearestName } from './config/nearest-name.ts'
import type { Problem } from './config/problem.ts'
import type { Config } from './config/schema.ts'
import type { Variables } from './config/variables.ts'
import { parseHiveType } from './convert/hive-types.ts'
import { unsupportedColumns } from './convert/served-columns.ts'
import type { FormatConversion, JsonObject } from './domain/delivery-stream.ts'
import { EncoderError } from './domain/errors.ts'
import {
  checkDeclaration,
  checkExtension,
  declaredQuery,
  declaredStream,
  type DeclarationContext,
} from './receive/declarations.ts'
import type { ExtensionProblem } from './receive/extension-rules.ts'
import { extensionOf, metadataColumnsOf } from './receive/extensions.ts'
import { takenColumns, unmappedColumns, type OutsideChecks } from './receive/outside-checks.ts'
import { systemClock as clock } from './runtime/clock.ts'
import { deploymentRules } from './wiring/deployment-rules.ts'

/**
 * Like reading it, but what it declares is checked as well, and all problems come together.
 *
 * @param queryProblem as a start asks it; without it queries are not compiled
 */
export async function readCheckedConfig(
  path: string,
  variables: Variables,
  queryProblem?: OutsideChecks['queryProblem'],
): Promise<Loaded> {
  const loaded = await readConfig(path, variables)
  if (loaded.kind === 'refused') return loaded
  const { config, lineOf } = loaded
  const problems = [
    ...declarationProblems(config),
    ...(await queryProblems(config, queryProblem)),
    ...extensionProblems(config),
    ...misspeltExtensions(config),
    ...typeProblems(config),
  ]
  return problems.length === 0
    ? { ...loaded, notes: inOrder(extensionNotes(config), lineOf) }
    : { kind: 'refused', problems: inOrder(problems, lineOf) }
}

function contextOf(config: Config): DeclarationContext {
  return { ...config.aws, ...deploymentRules(config), limits: config.limits, nearestName }
}

function declarationProblems(config: Config): Problem[] {
  const context = contextOf(config)
  return config.deliveryStreams.flatMap((declaration, index) => {
    const messages = checkDeclaration(declaration, context, config.extensions)
    const table = messages.length === 0 ? tableProblem(declaration, config, context) : undefined
    return [...messages, ...(table === undefined ? [] : [table])].map((message) => ({
      path: ['deliveryStreams', index],
      message,
    }))
  })
}

/** jq is loaded when there is a query. */
export async function compileQuery(query: string): Promise<string | undefined> {
  const { queryProblem } = await import('./process/jq/query-problem.ts')
  return queryProblem(query)
}

async function queryProblems(
  config: Config,
  queryProblem: OutsideChecks['queryProblem'],
): Promise<Problem[]> {
  const context = contextOf(config)
  const problems: Problem[] = []
  for (const [index, declaration] of config.deliveryStreams.entries()) {
    if (checkDeclaration(declaration, context, config.extensions).length > 0) continue
    const query = declaredQuery(declaration, context)
    const message = query === undefined ? undefined : await queryProblem?.(query)
    if (message !== undefined) problems.push({ path: ['deliveryStreams', index], message })
  }
  return problems
}

/** The parts of a checked declaration that name a table. */
interface Declaration {
  readonly ExtendedS3DestinationConfiguration?: {
    readonly DataFormatConversionConfiguration?: {
      readonly Enabled?: boolean
      readonly SchemaConfiguration?: { readonly DatabaseName?: string; readonly TableName?: string }
    }
  }
}

/** Database and table that a converting stream names; they may not be there. */
function tableOf(declaration: Declaration): readonly [database: string, table: string] | undefined {
  const conversion = declaration.ExtendedS3DestinationConfiguration?.DataFormatConversionConfiguration
  if (conversion === undefined || conversion.Enabled === false) return undefined
  const { DatabaseName: database = '', TableName: table = '' } = conversion.SchemaConfiguration ?? {}
  return [database, table]
}

/** What Glue says of a table is asked when the process starts. */
function tableProblem(
  declaration: JsonObject,
  config: Config,
  context: DeclarationContext,
): string | undefined {
  const [database, table] = tableOf(declaration) ?? []
  if (database === undefined || table === undefined) return undefined
  const columns = tableColumns(config, database, table)
  if (columns === undefined) return config.catalog.glue ? undefined : missingTable(database, table, config)
  const conversion = conversionOf(declaration, config, context)
  if (conversion === undefined) return undefined
  return (
    unmappedColumns(Object.keys(conversion.jsonKeys ?? {}), columns) ??
    unsupportedColumns(config.convert.engine, columns, conversion)
  )
}

/** Of a declaration without problems; what is wrong with its extension is told by itself. */
function conversionOf(
  declaration: JsonObject,
  config: Config,
  context: DeclarationContext,
): FormatConversion | undefined {
  const extension = extensionOf(config.extensions, nameOf(declaration))
  const isFit =
    extension === undefined || checkExtension(declaration, extension, context, clock.now()).length === 0
  const extensions = isFit ? config.extensions : {}
  return declaredStream(declaration, { context, clock, extensions }).destination.conversion
}

function missingTable(database: string, table: string, { catalog }: Config): string {
  const names = Object.entries(catalog.databases).flatMap(([name, tables]) =>
    Object.keys(tables).map((known) => `${name}.${known}`),
  )
  const nearest = nearestName(`${database}.${table}`, names)
  const wanted = `table ${database}.${table} is not in catalog.databases`
  return nearest === undefined
    ? `${wanted}; add it there, or set catalog.glue if AWS Glue has it`
    : `${wanted}; did you mean ${nearest}?`
}

function nameOf(declaration: JsonObject): string {
  const { DeliveryStreamName: name } = declaration
  return typeof name === 'string' ? name : ''
}

/** What the declared streams cannot have of their extensions. */
function extensionProblems(config: Config): Problem[] {
  const context = contextOf(config)
  return config.deliveryStreams.flatMap((declaration) => {
    const name = nameOf(declaration)
    const extension = extensionOf(config.extensions, name)
    if (extension === undefined) return []
    if (checkDeclaration(declaration, context, config.extensions).length > 0) return []
    const found: ExtensionProblem[] = checkExtension(declaration, extension, context, clock.now())
    const [database = '', table = ''] = tableOf(declaration) ?? []
    const columns = tableColumns(config, database, table) ?? []
    found.push(...takenColumns(metadataColumnsOf(extension), columns))
    return found.map(({ path, message }) => ({ path: ['extensions', name, ...path], message }))
  })
}

/** Extensions of streams that are not declared. A stream that has one of its own, be it empty, is not what they mean. */
function undeclaredExtensions({ extensions, deliveryStreams }: Config): { name: string; nearest?: string }[] {
  const declared = deliveryStreams.map(nameOf)
  const bare = declared.filter((name) => !Object.hasOwn(extensions, name))
  return Object.keys(extensions)
    .filter((name) => !declared.includes(name) && extensionOf(extensions, name) !== undefined)
    .map((name) => {
      const nearest = nearestName(name, bare)
      return nearest === undefined ? { name } : { name, nearest }
    })
}

function misspeltExtensions(config: Config): Problem[] {
  return undeclaredExtensions(config).flatMap(({ name, nearest }) => {
    if (nearest === undefined) return []
    const message = `no delivery stream is declared by this name; did you mean "${nearest}"? If not, write "${nearest}: {}" under extensions as well`
    return [{ path: ['extensions', name], message }]
  })
}

function extensionNotes(config: Config): Problem[] {
  const message = 'no delivery stream is declared by this name; it acts when CreateDeliveryStream makes one'
  return undeclaredExtensions(config).map(({ name }) => ({ path: ['extensions', name], message }))
}

function typeProblems({ catalog }: Config): Problem[] {
  const problems: Problem[] = []
  for (const [database, tables] of Object.entries(catalog.databases)) {
    for (const [table, { columns }] of Object.entries(tables)) {
      columns.forEach(({ type }, index) => {
        const message = typeProblem(type)
        const path = ['catalog', 'databases', database, table, 'columns', index, 'type']
        if (message !== undefined) problems.push({ path, message })
      })
    }
  }
  return problems
}

function typeProblem(type: string): string | undefined {
  try {
    parseHiveType(type)
    return undefined
  } catch (error) {
    if (error instanceof EncoderError) return [error.message, error.hint].filter(Boolean).join('; ')
    throw error
  }
}

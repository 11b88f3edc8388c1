/** A configuration file and the delivery streams in it, checked without touching anything but the file. */
import { tableColumns } from './config/catalog.ts'
import { readConfig, type Loaded } from './config/file.ts'
import { nearestName } from './config/nearest-name.ts'
import type { Problem } from './config/problem.ts'
import type { Config } from './config/schema.ts'
import type { Variables } from './config/variables.ts'
import { parseHiveType } from './convert/hive-types.ts'
import { EncoderError } from './domain/errors.ts'
import { checkDeclaration } from './receive/declarations.ts'

/** Like reading it, but what it declares is checked as well, and all problems come together. */
export async function readCheckedConfig(path: string, variables: Variables): Promise<Loaded> {
  const loaded = await readConfig(path, variables)
  if (loaded.kind === 'refused') return loaded
  const problems = [...declarationProblems(loaded.config), ...typeProblems(loaded.config)]
  return problems.length === 0 ? loaded : { kind: 'refused', problems }
}

function declarationProblems(config: Config): Problem[] {
  const context = { ...config.aws, limits: config.limits, nearestName }
  return config.deliveryStreams.flatMap((declaration, index) => {
    const messages = checkDeclaration(declaration, context)
    const table = messages.length === 0 ? missingTable(declaration, config) : undefined
    return [...messages, ...(table === undefined ? [] : [table])].map((message) => ({
      path: ['deliveryStreams', index],
      message,
    }))
  })
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

function missingTable(declaration: Declaration, config: Config): string | undefined {
  const conversion = declaration.ExtendedS3DestinationConfiguration?.DataFormatConversionConfiguration
  if (conversion === undefined || conversion.Enabled === false) return undefined
  const { DatabaseName: database = '', TableName: table = '' } = conversion.SchemaConfiguration ?? {}
  if (tableColumns(config, database, table) !== undefined) return undefined
  const names = Object.entries(config.catalog.databases).flatMap(([name, tables]) =>
    Object.keys(tables).map((known) => `${name}.${known}`),
  )
  const nearest = nearestName(`${database}.${table}`, names)
  const wanted = `table ${database}.${table} is not in catalog.databases`
  return nearest === undefined ? `${wanted}; add it there` : `${wanted}; did you mean ${nearest}?`
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

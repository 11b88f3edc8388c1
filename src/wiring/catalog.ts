/** Where columns of tables come from: the configuration, and AWS Glue for those that it does not have. */
import type { Log } from '../account/log.ts'
import { tableColumns } from '../config/catalog.ts'
import type { Config } from '../config/schema.ts'
import type { GlueCatalog } from '../convert/glue-catalog.ts'
import type { RoleSessions } from '../deliver/role-sessions.ts'
import type { TableRef } from '../domain/delivery-stream.ts'
import { EncoderError } from '../domain/errors.ts'
import type { ResolveColumns } from '../domain/ports.ts'
import { defaultRole } from '../receive/arns.ts'
import { Lazy } from '../runtime/lazy.ts'
import type { OnStop } from './parts.ts'
import { ownKeys } from './roles.ts'

export interface CatalogOptions {
  /** As it was at the start: where Glue is, and the keys that ask it. */
  readonly config: Config
  /** Absent: roles are not assumed. */
  readonly roles: RoleSessions | undefined
  readonly log: Log
  readonly onStop: OnStop
}

/** Tables of the catalog in force. Glue, and what asks it, is not known to the process before it is asked. */
export type Catalog = (inForce: () => Config) => ResolveColumns

export function openCatalog({ config, roles, log, onStop }: CatalogOptions): Catalog {
  const glue = new Lazy(() => openGlue({ endpoint: config.aws.glueEndpoint, ...ownKeys(config), roles, log }))
  onStop(async () => (await glue.opened())?.close())
  return (inForce) => async (table) => {
    const columns = tableColumns(inForce(), table.databaseName, table.tableName)
    if (columns !== undefined) return columns
    if (!inForce().catalog.glue) throw missing(table)
    return (await glue.get()).columns(withGivenRole(table, config))
  }
}

async function openGlue(settings: ConstructorParameters<typeof GlueCatalog>[0]): Promise<GlueCatalog> {
  const { GlueCatalog: Opened } = await import('../convert/glue-catalog.ts')
  return new Opened(settings)
}

/** Whether the columns of this table are asked of Glue. */
export function asksGlue(config: Config, { databaseName, tableName }: TableRef): boolean {
  return config.catalog.glue && tableColumns(config, databaseName, tableName) === undefined
}

/** The role that stands for none is not assumed. */
function withGivenRole(table: TableRef, { aws }: Config): TableRef {
  if (table.roleArn !== defaultRole(aws)) return table
  const { roleArn: _, ...rest } = table
  return rest
}

function missing({ databaseName, tableName }: TableRef): EncoderError {
  const name = `${databaseName}.${tableName}`
  return new EncoderError(`look up table ${name}: it is not in the catalog`, {
    code: 'EntityNotFound',
    hint: `add ${name} to catalog.databases in the configuration file, or set catalog.glue if AWS Glue has it`,
  })
}

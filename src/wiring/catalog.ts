/** Where columns of tables come from. */
import { tableColumns } from '../config/catalog.ts'
import type { Config } from '../config/schema.ts'
import type { TableRef } from '../domain/delivery-stream.ts'
import { EncoderError } from '../domain/errors.ts'
import type { ResolveColumns } from '../domain/ports.ts'

/** Tables of the catalog in force. */
export function catalogColumns(inForce: () => Config): ResolveColumns {
  return (table: TableRef) => {
    const columns = tableColumns(inForce(), table.databaseName, table.tableName)
    if (columns !== undefined) return Promise.resolve(columns)
    const name = `${table.databaseName}.${table.tableName}`
    return Promise.reject(
      new EncoderError(`look up table ${name}: it is not in the catalog`, {
        code: 'EntityNotFound',
        hint: `add ${name} to catalog.databases in the configuration file`,
      }),
    )
  }
}

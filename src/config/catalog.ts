/** Tables of the configuration's catalog. */
import type { Column } from '../domain/delivery-stream.ts'
import type { Config } from './schema.ts'

/** Columns in order, or undefined when there is no such table. Names may be any text, `constructor` too. */
export function tableColumns(
  { catalog }: Config,
  databaseName: string,
  tableName: string,
): readonly Column[] | undefined {
  const tables = own(catalog.databases, databaseName)
  return tables === undefined ? undefined : own(tables, tableName)?.columns
}

function own<T>(map: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined
}

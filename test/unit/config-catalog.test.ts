/** A table is in the catalog only if the file says so, whatever it is called. */
import { expect, test } from 'vitest'
import { tableColumns } from '../../src/config/catalog.ts'
import { parseConfig } from '../../src/config/file.ts'

const loaded = parseConfig(
  'catalog: { databases: { sales: { orders: { columns: [ { name: order_id, type: string } ] } } } }',
  {},
)
if (loaded.kind === 'refused') throw new Error(JSON.stringify(loaded.problems))
const { config } = loaded

test('a table is found with its columns in order', () => {
  expect(tableColumns(config, 'sales', 'orders')).toEqual([{ name: 'order_id', type: 'string' }])
})

test.each([
  ['sales', 'customers'],
  ['shop', 'orders'],
  ['constructor', 'name'],
  ['__proto__', 'toString'],
])('%s.%s is not there', (database, table) => {
  expect(tableColumns(config, database, table)).toBeUndefined()
})

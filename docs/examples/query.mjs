// node docs/examples/query.mjs "<SQL>"
//
// Asks DuckDB, as a reader of the bucket would, and prints the answer.
import { DuckDBInstance } from '@duckdb/node-api'

const [sql] = process.argv.slice(2)
if (sql === undefined) {
  console.error('usage: node docs/examples/query.mjs "<SQL>"')
  process.exit(2)
}
const connection = await (await DuckDBInstance.create(':memory:')).connect()
const answer = await connection.runAndReadAll(sql)
console.table(answer.getRowObjectsJson())

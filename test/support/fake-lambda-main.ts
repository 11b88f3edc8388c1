/**
 * The fake of Lambda as a process of its own, with the function `echo`, which answers each record as it came:
 *
 *     tsx test/support/fake-lambda-main.ts
 *
 * Prints `{"endpoint":URL}` when it listens; ends on SIGTERM. Its only key is `bench` with the secret `bench`.
 */
import { startFakeLambda } from './fake-lambda.ts'

const lambda = await startFakeLambda({ bench: 'bench' })
lambda.define('echo', ({ records }) => ({
  records: records.map(({ recordId, data }) => ({ recordId, result: 'Ok', data })),
}))
process.stdout.write(`${JSON.stringify({ endpoint: lambda.endpoint })}\n`)
process.once('SIGTERM', () => {
  lambda.close().then(
    () => process.exit(0),
    () => process.exit(1),
  )
})

/**
 * The fake object store as a process of its own:
 *
 *     tsx test/support/fake-s3-main.ts [--port N] [--folder PATH] [--discard] [--bucket NAME]...
 *
 * Prints `{"port":N}` when it listens; ends on SIGTERM.
 */
import { parseArgs } from 'node:util'
import { startFakeS3 } from './fake-s3.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    folder: { type: 'string' },
    discard: { type: 'boolean', default: false },
    'no-conditional': { type: 'boolean', default: false },
    bucket: { type: 'string', multiple: true, default: [] },
  },
})

const s3 = await startFakeS3({
  port: Number(values.port),
  discard: values.discard,
  noConditional: values['no-conditional'],
  buckets: values.bucket,
  ...(values.folder === undefined ? {} : { folder: values.folder }),
})
process.stdout.write(`${JSON.stringify({ port: s3.port })}\n`)
process.once('SIGTERM', () => {
  s3.close().then(
    () => process.exit(0),
    () => process.exit(1),
  )
})

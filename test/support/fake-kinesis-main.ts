/**
 * The fake Kinesis of benchmarks as a process of its own:
 *
 *     tsx test/support/fake-kinesis-main.ts --shards N --records N [--answer N] [--rate N] [--padding N] [--held] [--port N]
 *
 * `--records` are those of each shard; `--answer` at most in one answer; `--rate` how many come in a second and shard;
 * `--held`: none until a POST to /-/release. Prints `{"port":N,"arn":"…"}` when it listens. GET /-/cost says what was served
 * and what it cost. Ends on SIGTERM.
 */
import { parseArgs } from 'node:util'
import { startFakeKinesis } from './fake-kinesis.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    shards: { type: 'string', default: '1' },
    records: { type: 'string', default: '1000000' },
    answer: { type: 'string', default: '10000' },
    rate: { type: 'string' },
    padding: { type: 'string', default: '0' },
    held: { type: 'boolean', default: false },
  },
})

const kinesis = await startFakeKinesis({
  port: Number(values.port),
  shards: Number(values.shards),
  recordsPerShard: Number(values.records),
  recordsPerAnswer: Number(values.answer),
  paddingBytes: Number(values.padding),
  isHeld: values.held,
  ...(values.rate === undefined ? {} : { recordsPerSecond: Number(values.rate) }),
})
process.stdout.write(`${JSON.stringify({ port: kinesis.port, arn: kinesis.arn })}\n`)
process.once('SIGTERM', () => {
  kinesis.close().then(
    () => process.exit(0),
    () => process.exit(1),
  )
})

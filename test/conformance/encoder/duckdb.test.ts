import { afterEach } from 'vitest'
import { openDuckdbEncoder } from '../../../src/convert/duckdb-encoder.ts'
import { encoderConformance } from './encoder-suite.ts'
import { repeatsLog } from './repeats-log.ts'

const repeats = repeatsLog()

afterEach(repeats.expectNone)

encoderConformance('DuckDB', (stagingPath) =>
  openDuckdbEncoder({
    stagingPath,
    threads: 2,
    memoryLimitBytes: 256 * 1024 * 1024,
    log: repeats.log,
  }),
)

import { createLog } from '../../../src/account/log.ts'
import { openDuckdbEncoder } from '../../../src/convert/duckdb-encoder.ts'
import { encoderConformance } from './encoder-suite.ts'

encoderConformance('DuckDB', (stagingPath) =>
  openDuckdbEncoder({
    stagingPath,
    threads: 2,
    memoryLimitBytes: 256 * 1024 * 1024,
    log: createLog('silent'),
  }),
)

import { createLog } from '../../../src/account/log.ts'
import { openParquetjsEncoder } from '../../../src/convert/parquetjs-encoder.ts'
import { encoderConformance } from './encoder-suite.ts'

encoderConformance('parquetjs-lite', (stagingPath) =>
  openParquetjsEncoder({ stagingPath, log: createLog('silent') }),
)

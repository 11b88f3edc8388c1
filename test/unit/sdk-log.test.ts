/** What the AWS SDK says reaches the log without the requests that it says it of. */
import { expect, test } from 'vitest'
import type { Log } from '../../src/account/log.ts'
import { sdkLogger } from '../../src/account/sdk-log.ts'

test('a failed command is told by its error, without its input', () => {
  const lines: unknown[] = []
  const log = { debug: (fields: unknown, message: string) => lines.push([fields, message]) } as unknown as Log
  const logger = sdkLogger(log, 's3')
  const error = Object.assign(new Error('no such bucket'), { name: 'NoSuchBucket' })
  logger.error({ clientName: 'S3Client', input: { Body: 'a record' }, error })
  logger.warn('an endpoint is deprecated')
  expect(lines).toEqual([
    [{ client: 's3', sdk: 'NoSuchBucket: no such bucket' }, 'client of the SDK failed'],
    [{ client: 's3', sdk: 'an endpoint is deprecated' }, 'client of the SDK warned'],
  ])
})

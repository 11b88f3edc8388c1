/** The S3 destination, on the fake and on any store named by S3_ENDPOINT (with S3_BUCKET and keys of AWS's names). */
import { randomBytes } from 'node:crypto'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { test } from 'vitest'
import { createLog } from '../../../src/account/log.ts'
import { createS3Destination } from '../../../src/deliver/s3.ts'
import { startFakeS3 } from '../../support/fake-s3.ts'
import { destinationSuite, type DestinationUnderTest } from './destination-suite.ts'

const log = createLog('silent')
const keys = { accessKeyId: 'test', secretAccessKey: 'test' }

destinationSuite('S3 (fake)', async () => {
  const s3 = await startFakeS3({ buckets: ['lake'] })
  const under = s3Under(s3.endpoint, 'lake', keys)
  return { ...under, close: async () => (await under.close(), await s3.close()) }
})

const { S3_ENDPOINT, S3_BUCKET = 'hydrant-test', AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
if (S3_ENDPOINT === undefined) {
  test('destination S3 (real)', (context) => context.skip('S3_ENDPOINT names no store to run on'))
} else {
  const own =
    AWS_ACCESS_KEY_ID === undefined || AWS_SECRET_ACCESS_KEY === undefined
      ? keys
      : { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
  destinationSuite(`S3 at ${S3_ENDPOINT}`, async () => s3Under(S3_ENDPOINT, S3_BUCKET, own))
}

function s3Under(endpoint: string, bucket: string, credentials: typeof keys): DestinationUnderTest {
  const destination = createS3Destination({ endpoint, ...credentials, log })
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  return {
    destination,
    bucket,
    keyPrefix: `suite-${randomBytes(6).toString('hex')}/`,
    keepsMetadata: true,
    async read(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
        return Buffer.from((await Body?.transformToByteArray()) ?? [])
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchKey') return undefined
        throw error
      }
    },
    async close() {
      destination.close()
      client.destroy()
    },
  }
}

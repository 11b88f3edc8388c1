// Creates the buckets that are its arguments where they are missing. Runs in the Hydrant image, which brings the S3 client;
// reads S3_ENDPOINT, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY.
import { createRequire } from 'node:module'
import process from 'node:process'

const { CreateBucketCommand, S3Client } = createRequire('/app/package.json')('@aws-sdk/client-s3')
const {
  S3_ENDPOINT: endpoint,
  S3_ACCESS_KEY_ID: accessKeyId,
  S3_SECRET_ACCESS_KEY: secretAccessKey,
} = process.env
const s3 = new S3Client({
  endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
  maxAttempts: 10,
})

for (const bucket of process.argv.slice(2)) {
  try {
    await s3.send(new CreateBucketCommand({ Bucket: bucket }))
    process.stdout.write(`created bucket ${bucket}\n`)
  } catch (error) {
    if (!['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes(error.name)) throw error
    process.stdout.write(`bucket ${bucket} is there\n`)
  }
}

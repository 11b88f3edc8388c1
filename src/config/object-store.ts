/** Where objects land: the section `objectStore`. */
import { z } from 'zod'
import { choice, endpoint, settings, text, yesOrNo } from './fields.ts'
import { keyRules, tokenRules } from './rules.ts'

/** Rules across settings run even when a setting is wrong, so that all problems show at once. */
const anyway = { when: () => true }

const fileObjectStore = settings({
  type: z.literal('file').prefault('file').meta({ description: 'Buckets are folders below `root`.' }),
  root: text().default('./data/buckets').meta({ description: 'Folder that holds the buckets.' }),
})

const s3ObjectStore = settings({
  type: z.literal('s3').meta({ description: 'S3, or any store that speaks its API.' }),
  endpoint: endpoint().optional().meta({
    description: 'URL of the store; left out, AWS’s own for the region.',
    example: 'http://127.0.0.1:9000',
  }),
  region: text().optional().meta({
    description: 'Region of the buckets; left out, `aws.region`.',
    example: 'eu-central-1',
  }),
  forcePathStyle: yesOrNo().optional().meta({
    description: 'Put the bucket in the path, not in the host name; left out, true when `endpoint` is set.',
    example: true,
  }),
  accessKeyId: text().optional().meta({
    description: 'Access key; left out, the AWS SDK’s own chain (environment, profile, instance role).',
    example: '${S3_ACCESS_KEY_ID}',
  }),
  secretAccessKey: text().optional().meta({
    description: 'Secret of the access key. Take it from the environment.',
    example: '${S3_SECRET_ACCESS_KEY}',
  }),
  sessionToken: text().optional().meta({
    description: 'Token of keys that are a session’s own; they end with it, and it is not renewed here.',
    example: '${S3_SESSION_TOKEN}',
  }),
  acl: choice(['bucket-owner-full-control']).exactOptional().meta({
    description:
      'ACL sent with each object, as Firehose does for buckets of other accounts; needs s3:PutObjectAcl, and some stores know no ACLs. Left out, none.',
    example: 'bucket-owner-full-control',
  }),
}).check(z.superRefine(keyRules, anyway), z.superRefine(tokenRules, anyway))

export const objectStore = z.discriminatedUnion('type', [fileObjectStore, s3ObjectStore], {
  error: 'must be file or s3',
})

/** What can go wrong with the KMS key of an object, or of its bucket: rows of the table of failures, all counted as `KMS`. */
import type { S3Failure, S3Target } from './s3-failures.ts'

const who = ({ roleArn }: S3Target): string => roleArn ?? 'the credentials'
const key = ({ kmsKeyArn }: S3Target): string => kmsKeyArn ?? "the bucket's KMS key"
const ownKey = ({ kmsKeyArn }: S3Target): string =>
  kmsKeyArn === undefined ? "the bucket's default encryption" : 'AWSKMSKeyARN'

const grant = (target: S3Target): string =>
  `let ${who(target)} use kms:GenerateDataKey and kms:Decrypt on ${key(target)}, in a policy of theirs and in the key's own`

export const kmsFailures = [
  {
    code: 'KMS',
    saying: /\bkms:[A-Z]\w+/,
    names: ['KMS.AccessDeniedException'],
    says: 'the use of the KMS key was denied',
    hint: (target) => grant(target),
  },
  {
    code: 'KMS',
    names: ['KMS.DisabledException', 'KMS.KeyDisabled'],
    says: 'the KMS key is disabled',
    hint: (target) => `enable ${key(target)}`,
  },
  {
    code: 'KMS',
    names: ['KMS.NotFoundException', 'KMS.InvalidArnException', 'InvalidKMSResourceException'],
    says: 'there is no such KMS key',
    hint: (target) =>
      `${key(target)} must be there, in the region of the bucket ${target.bucket}; a corrected ${ownKey(target)} counts for later batches, this one keeps its plan`,
  },
  {
    code: 'KMS',
    names: ['KMS.KMSInvalidStateException', 'KMS.InvalidStateException'],
    says: 'the KMS key is in no state to be used',
    hint: (target) => `see whether ${key(target)} waits for its deletion or for its material`,
  },
  {
    code: 'KMS',
    names: ['KMS.InvalidKeyUsageException', 'KMS.AsymmetricCMKNotSupported', 'KMS.KeyUnavailableException'],
    says: 'the KMS key does not serve to encrypt objects',
    hint: (target) => `${ownKey(target)} must name a symmetric key for encryption that is available`,
  },
  {
    code: 'KMS',
    names: ['KMS.ThrottlingException', 'KMS.RequestLimitExceeded', 'KMS.LimitExceededException'],
    says: 'the KMS key is asked for too often',
    hint: () => 'it passes; if not, raise the quota of KMS, or use S3 Bucket Keys',
    passing: true,
  },
  {
    code: 'KMS',
    names: ['KMS.*', 'KMSKey*', 'ServerSideEncryptionConfigurationNotFoundError'],
    says: 'the KMS key cannot be used',
    hint: (target) => `see that ${key(target)} is enabled; ${grant(target)}`,
  },
] as const satisfies readonly S3Failure[]

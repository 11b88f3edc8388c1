/** How callers prove who they are, and what each of them may do: the section `auth`, and the file that it may name. */
import { z } from 'zod'
import { FIREHOSE_OPERATIONS } from '../domain/operations.ts'
import { matchesWildcard } from '../domain/wildcard.ts'
import { settings, text, time, yesOrNo } from './fields.ts'
import { nearestName } from './nearest-name.ts'
import { accessKeyRules, credentialRules } from './rules.ts'

/** Rules across settings run even when a setting is wrong, so that all problems show at once. */
const anyway = { when: () => true }

const none = settings({
  mode: z.literal('none').meta({
    description: 'Nobody is asked for credentials. Written out, it allows hosts beyond loopback.',
  }),
})

const actions = FIREHOSE_OPERATIONS.map((operation) => `firehose:${operation}`)

const action = text().superRefine((pattern, context) => {
  if (actions.some((known) => matchesWildcard(pattern.toLowerCase(), known.toLowerCase()))) return
  const nearest = nearestName(pattern, actions)
  const message = 'must be an action such as firehose:PutRecord, firehose:Put* or firehose:*'
  context.addIssue({
    code: 'custom',
    message: nearest === undefined ? message : `${message}; did you mean "${nearest}"?`,
  })
})

const resource = text().regex(
  /^(\*|arn:[^:]+:[^:]+:[^:]*:[^:]*:.+)$/,
  'must be "*" or an ARN, such as arn:aws:firehose:us-east-1:000000000000:deliverystream/orders-* or arn:aws:s3:::lake',
)

const credential = settings({
  accessKeyId: text()
    .regex(/^[\w.-]{1,128}$/, 'must be 1 to 128 letters, digits, "_", "-" and "."')
    .meta({ description: 'Access key id of the caller. It is no secret.', example: 'orders-producer' }),
  secretAccessKey: text().meta({
    description: 'Secret of the access key. Take it from the environment or use `credentialsFile`.',
    example: '${ORDERS_SECRET_ACCESS_KEY}',
  }),
  sessionToken: text().exactOptional().meta({
    description: 'Session token that requests must carry; left out, they must carry none.',
  }),
  expiration: time().exactOptional().meta({
    description: 'When the credential ends; left out, never.',
    example: '2027-01-01T00:00:00Z',
  }),
  name: text()
    .regex(/^[\w+=,.@-]{1,64}$/, 'must be 1 to 64 letters, digits and "_+=,.@-"')
    .exactOptional()
    .meta({ description: 'Name of the caller in refusals; left out, the access key id.' }),
  allow: z
    .array(action, { error: 'must be a list of actions, such as [firehose:Put*]' })
    .min(1, 'must name at least one action')
    .default(['firehose:*'])
    .meta({
      description: 'Actions that the caller may call; `*` and `?` are wildcards, case does not matter.',
      values: 'list of actions',
      example: ['firehose:Put*'],
    }),
  resources: z
    .array(resource, { error: 'must be a list of ARNs, or ["*"]' })
    .min(1, 'must name at least one delivery stream; ["*"] is every one')
    .check(z.superRefine(namesStream, anyway))
    .default(['*'])
    .meta({
      description:
        'ARNs of the delivery streams that the caller may name, `*` and `?` are wildcards; `*` alone is every one. A caller that creates or updates streams may use buckets, data streams and roles only that are listed here, or, of a service that is not listed, those of declared streams.',
      values: 'list of ARNs',
      example: ['arn:aws:firehose:*:*:deliverystream/orders-*', 'arn:aws:s3:::lake'],
    }),
})

/** The list in `auth.credentials` and in a credentials file. */
export const credentials = z
  .array(credential, { error: 'must be a list of credentials, each { accessKeyId, secretAccessKey, … }' })
  .check(z.superRefine(accessKeyRules, anyway))

const sigv4 = settings({
  mode: z.literal('sigv4').meta({
    description:
      'Callers sign their requests with AWS Signature Version 4, service `firehose`, for `aws.region`.',
  }),
  credentials: credentials.default([]).meta({
    description: 'Credentials of the callers.',
    values: 'list of credentials',
    example: [{ accessKeyId: 'orders-producer', secretAccessKey: '${ORDERS_SECRET_ACCESS_KEY}' }],
  }),
  credentialsFile: text().exactOptional().meta({
    description:
      'YAML file with a list of more credentials, the same as above. It is read again when it changes; a bad one changes nothing.',
    example: '/etc/hydrant/credentials/credentials.yaml',
  }),
  allowUnsignedPayload: yesOrNo().default(false).meta({
    description:
      'Take requests whose signature leaves out the body (UNSIGNED-PAYLOAD). Whoever is in between can change it then.',
  }),
}).check(z.superRefine(credentialRules, anyway))

export const auth = z.discriminatedUnion('mode', [none, sigv4], { error: 'must be none or sigv4' })

export type Credentials = z.output<typeof credentials>

/** A credential that may name no delivery stream is of no use. */
function namesStream(resources: unknown, context: z.core.$RefinementCtx): void {
  if (!Array.isArray(resources) || resources.length === 0) return
  const names = resources.some(
    (pattern: unknown) =>
      typeof pattern !== 'string' ||
      pattern === '*' ||
      matchesWildcard(pattern.split(':')[2] ?? '*', 'firehose'),
  )
  if (names) return
  context.addIssue({
    code: 'custom',
    message: 'names no delivery stream; add their ARNs, or "*" for every one',
  })
}

/**
 * Shapes that several operations share. Constraints are those of the service model of 2015-08-04; enumerations stand in
 * the order in which the service prints them. Larger shapes have files in shapes/.
 */
import type { Shape, StringShape, StructureShape } from './constraints.ts'
import { javaHashOrder } from './java-hash-order.ts'

/** `aws`: what the service allows. `relaxed`: BufferingHints from 1 MiB to 1 GiB and up to a day. */
export type Limits = 'aws' | 'relaxed'

/** `roleOptional`: a configuration file may leave RoleARN out. */
export interface ShapeOptions {
  readonly limits: Limits
  readonly roleOptional: boolean
}

export function structure(
  members: Readonly<Record<string, Shape>>,
  required: readonly string[] = [],
): StructureShape {
  return { type: 'structure', members, required, printed: javaHashOrder(Object.keys(members)) }
}

/** A structure that is only told apart by being there. */
export const anything = structure({})

/** An enumeration whose value the service hides. */
export function choice(values: readonly string[]): Shape {
  return { type: 'string', values, hidden: true }
}

/** An ARN of at most 512 characters. */
export function arn(pattern: string): StringShape {
  return { type: 'string', min: 1, max: 512, pattern }
}

/** A number of calls' page: how many at most. */
export function limit(max: number): Shape {
  return { type: 'integer', min: 1, max }
}

export const boolean: Shape = { type: 'boolean' }

export const deliveryStreamName: Shape = { type: 'string', min: 1, max: 64, pattern: '[a-zA-Z0-9_.-]+' }
export const deliveryStreamType: Shape = {
  type: 'string',
  values: ['DirectPut', 'KinesisStreamAsSource', 'MSKAsSource', 'DatabaseAsSource'],
}
export const versionId: Shape = { type: 'string', min: 1, max: 50, pattern: '[0-9]+' }
export const destinationId: Shape = { type: 'string', min: 1, max: 100, pattern: '[a-zA-Z0-9-]+' }

const ROLE_PATTERN = 'arn:.*:iam::\\d{12}:role/[a-zA-Z_0-9+=,.@\\-_/]+'
export const roleArn: Shape = { ...arn(ROLE_PATTERN), rolePattern: ROLE_PATTERN }
export const kmsKeyArn: Shape = arn('arn:.*:kms:[a-zA-Z0-9\\-]+:\\d{12}:(key|alias)/[a-zA-Z_0-9+=,.@\\-_/]+')

/** NonEmptyStringWithoutWhitespace. */
export const word: StringShape = { type: 'string', min: 1, max: 1024, pattern: '^\\S+$' }
/** A role's ARN where the model has any word. */
export const roleWord: Shape = { ...word, rolePattern: ROLE_PATTERN }
/** NonEmptyString. */
export const words: StringShape = { type: 'string', min: 1, max: 1024, pattern: '^(?!\\s*$).+' }

export const tagKey: Shape = {
  type: 'string',
  min: 1,
  max: 128,
  pattern: '^(?!aws:)[\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@%]*$',
}
const tagValue: Shape = {
  type: 'string',
  min: 0,
  max: 256,
  pattern: '^[\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@%]*$',
}
/** What CreateDeliveryStream and TagDeliveryStream take. */
export const tags: Shape = {
  type: 'list',
  of: structure({ Key: tagKey, Value: tagValue }, ['Key']),
  min: 1,
  max: 50,
}
/** What UntagDeliveryStream takes. */
export const tagKeys: Shape = { type: 'list', of: tagKey, min: 1, max: 50 }

/** DeliveryStreamEncryptionConfigurationInput. */
export const encryptionConfigurationInput = structure(
  { KeyARN: kmsKeyArn, KeyType: choice(['AWS_OWNED_CMK', 'CUSTOMER_MANAGED_CMK']) },
  ['KeyType'],
)

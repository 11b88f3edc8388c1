/** What `aws firehose describe-delivery-stream` prints, as the input of CreateDeliveryStream that would make the same. */
import type { JsonObject, JsonValue } from '../domain/delivery-stream.ts'
import { destinationInput } from '../receive/described-destination.ts'
import type { Found } from './imported.ts'
import { withKinds } from './members.ts'
import { asText, isMap, mapOf } from './untyped.ts'

/** The description in an answer of the CLI, or one that was taken out of it. Undefined for anything else. */
export function descriptionIn(value: unknown): JsonObject | undefined {
  const { DeliveryStreamDescription: inside, Destinations: destinations } = mapOf(value)
  if (isMap(inside)) return inside as JsonObject
  return Array.isArray(destinations) ? (value as JsonObject) : undefined
}

export function foundInDescription(description: JsonObject): Found {
  const name = asText(description['DeliveryStreamName'])
  const status = asText(description['DeliveryStreamStatus'])
  const declaration = withKinds({
    DeliveryStreamName: name,
    ...member('DeliveryStreamType', description['DeliveryStreamType']),
    ...sourceInput(description),
    ...encryptionInput(description),
    ...destinationOf(description),
  })
  return {
    name,
    declaration,
    notes: notesOn(description),
    refusal: status.startsWith('DELETING') ? `its status is ${status}` : undefined,
  }
}

/** Of descriptions as such. */
export const DESCRIPTION_NOTE =
  'A description does not tell tags; aws firehose list-tags-for-delivery-stream does. Add them as Tags.'

function notesOn({ DeliveryStreamType: type }: JsonObject): string[] {
  if (type !== 'KinesisStreamAsSource') return []
  return [
    'Its data stream is read from the moment of its creation here, or from extensions.<name>.startingPosition.',
  ]
}

const sources = {
  DirectPutSourceDescription: ['DirectPutSourceConfiguration', ['ThroughputHintInMBs']],
  KinesisStreamSourceDescription: ['KinesisStreamSourceConfiguration', ['KinesisStreamARN', 'RoleARN']],
  MSKSourceDescription: [
    'MSKSourceConfiguration',
    ['MSKClusterARN', 'TopicName', 'AuthenticationConfiguration', 'ReadFromTimestamp'],
  ],
} as const

function sourceInput({ Source: source }: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(sources).flatMap(([described, [configured, members]]) => {
      const from = mapOf(source)[described]
      if (!isMap(from)) return []
      return [[configured, pick(from as JsonObject, members)]]
    }),
  )
}

function encryptionInput({ DeliveryStreamEncryptionConfiguration: encryption }: JsonObject): JsonObject {
  const { Status: status, ...asked } = mapOf(encryption) as JsonObject
  if (status !== 'ENABLED' && status !== 'ENABLING') return {}
  return { DeliveryStreamEncryptionConfigurationInput: pick(asked, ['KeyType', 'KeyARN']) }
}

/** Of a destination other than S3 only its name: what is in it may be secret, and is of no use here. */
function destinationOf({ Destinations: destinations }: JsonObject): JsonObject {
  const [only] = Array.isArray(destinations) ? (destinations as readonly JsonValue[]) : []
  const described = mapOf(only) as JsonObject
  const { ExtendedS3DestinationDescription: extended, S3DestinationDescription: plain } = described
  if (isMap(extended)) return { ExtendedS3DestinationConfiguration: destinationInput(extended) }
  const other = Object.keys(described).find(
    (name) => name.endsWith('DestinationDescription') && name !== 'S3DestinationDescription',
  )
  if (other !== undefined) return { [other.replace(/Description$/, 'Configuration')]: {} }
  return isMap(plain) ? { S3DestinationConfiguration: destinationInput(plain) } : {}
}

function pick(from: JsonObject, members: readonly string[]): JsonObject {
  return Object.fromEntries(members.flatMap((name) => Object.entries(member(name, from[name]))))
}

function member(name: string, value: JsonValue | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value }
}

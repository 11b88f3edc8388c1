import type { DeliveryStream, JsonObject } from '../../../domain/delivery-stream.ts'
import { ClientError } from '../../../domain/errors.ts'
import { updatedStream, type DestinationUpdate } from '../../destination-update.ts'
import { notSupported } from '../../not-supported.ts'
import { outsideProblem } from '../../outside-checks.ts'
import type { Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import { reachDestination } from '../reach.ts'
import { deliveryStreamName, destinationId, structure, versionId, type Limits } from '../shapes.ts'
import { OTHER_UPDATES, unread } from '../shapes/other-destinations.ts'
import { extendedS3DestinationUpdate, s3DestinationUpdate } from '../shapes/s3-destination.ts'
import { changeStream, refuseUnless } from '../stored-stream.ts'
import { DESTINATION_ID } from './describe-delivery-stream.ts'

const UPDATES = ['S3DestinationUpdate', 'ExtendedS3DestinationUpdate', ...OTHER_UPDATES] as const

function updateShape(limits: Limits) {
  return structure(
    {
      DeliveryStreamName: deliveryStreamName,
      CurrentDeliveryStreamVersionId: versionId,
      DestinationId: destinationId,
      S3DestinationUpdate: s3DestinationUpdate(limits),
      ExtendedS3DestinationUpdate: extendedS3DestinationUpdate(limits),
      ...unread(OTHER_UPDATES),
    },
    ['DeliveryStreamName', 'CurrentDeliveryStreamVersionId', 'DestinationId'],
  )
}

const shapes = { aws: updateShape('aws'), relaxed: updateShape('relaxed') }

interface Input extends Partial<Record<(typeof OTHER_UPDATES)[number], JsonObject>> {
  readonly DeliveryStreamName: string
  readonly CurrentDeliveryStreamVersionId: string
  readonly DestinationId: string
  readonly S3DestinationUpdate?: DestinationUpdate
  readonly ExtendedS3DestinationUpdate?: DestinationUpdate
}

/** Objects of the new version have its number in their names. Batches that have a plan keep to it. */
export const updateDestination: Operation = async (call, api) => {
  const input = validated(shapes[api.limits], call.input) as unknown as Input
  const { DeliveryStreamName: name } = input
  const changed = await changeStream(name, api, async (stored) => {
    refuseUnless(['ACTIVE'], stored, api)
    refuseOtherVersion(stored, input)
    const update = updateOf(input)
    const updated = updatedStream(stored, update, {
      ...api,
      roleOptional: false,
      nowMs: api.clock.now(),
    })
    reachDestination(updated.destination, call, api)
    const asks = update.DataFormatConversionConfiguration ?? update.ProcessingConfiguration
    if (asks === undefined || updated === stored) return updated
    const problem = await outsideProblem(updated, api)
    if (problem !== undefined) throw invalid(problem)
    return updated
  })
  const { version } = changed
  if (input.CurrentDeliveryStreamVersionId !== String(version))
    api.log.info({ deliveryStream: name, version }, 'destination was updated')
  return '{}'
}

function refuseOtherVersion({ name, version }: DeliveryStream, input: Input): void {
  const { CurrentDeliveryStreamVersionId: given, DestinationId: id } = input
  if (given !== String(version))
    throw new ClientError(
      'ConcurrentModificationException',
      `Cannot update firehose: ${name} since the current version id: ${version} and specified version id: ${given} do not match`,
    )
  if (id !== DESTINATION_ID) throw invalid(`Destination Id ${id} not found`)
}

function updateOf(input: Input): DestinationUpdate {
  const [only, ...others] = UPDATES.filter((name) => input[name] !== undefined)
  if (only === undefined)
    throw invalid('At least one destination or source configuration update must be provided')
  if (others.length > 0) throw invalid('Exactly one destination configuration is supported for a Firehose')
  const update = input.ExtendedS3DestinationUpdate ?? input.S3DestinationUpdate
  if (update === undefined)
    throw invalid(notSupported(only, 'ExtendedS3DestinationUpdate and S3DestinationUpdate'))
  return update
}

function invalid(message: string): ClientError {
  return new ClientError('InvalidArgumentException', message)
}

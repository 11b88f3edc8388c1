import { randomBytes } from 'node:crypto'
import type { DeliveryStream } from '../../../domain/delivery-stream.ts'
import { ClientError } from '../../../domain/errors.ts'
import { definitionFrom } from '../../definition.ts'
import { outsideProblem } from '../../outside-checks.ts'
import type { Api, Call, Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import { createInputShape, type CreateInput } from '../create-input.ts'
import { reachDestination } from '../reach.ts'

const shapes = {
  aws: createInputShape({ limits: 'aws', roleOptional: false }),
  relaxed: createInputShape({ limits: 'relaxed', roleOptional: false }),
}

/** The stream takes records as soon as it is durable; for `creationSeconds` callers are told that it does not yet. */
export const createDeliveryStream: Operation = async (call, api) => {
  const nowMs = api.clock.now()
  const defined = definitionFrom(validated(shapes[api.limits], call.input) as unknown as CreateInput, {
    ...api,
    roleOptional: false,
    incarnation: randomBytes(8).toString('hex'),
    nowMs,
  })
  const { creationSeconds = 0 } = api
  const stream: DeliveryStream = {
    ...defined,
    ...(creationSeconds > 0 ? { readyAtMs: nowMs + creationSeconds * 1000 } : {}),
  }
  refuseUnlessAllowed(stream, call, api)
  const problem = await outsideProblem(stream, api)
  if (problem !== undefined) throw new ClientError('InvalidArgumentException', problem)
  const created = await api.registry.create(stream)
  api.directory.forget(stream.name)
  if (created === 'exists')
    throw new ClientError(
      'ResourceInUseException',
      `Firehose ${stream.name} under accountId ${api.accountId} already exists`,
    )
  api.log.info(
    { deliveryStream: stream.name, incarnation: stream.incarnation },
    'delivery stream was created',
  )
  return JSON.stringify({ DeliveryStreamARN: stream.arn })
}

function refuseUnlessAllowed(stream: DeliveryStream, call: Call, api: Api): void {
  if (stream.tags !== undefined) call.caller.authorize('firehose:TagDeliveryStream', stream.arn)
  reachDestination(stream.destination, call, api)
  if (stream.kinesis !== undefined) call.caller.reach(stream.kinesis.streamArn)
}

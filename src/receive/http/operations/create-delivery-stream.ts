import { randomBytes } from 'node:crypto'
import { ClientError } from '../../../domain/errors.ts'
import { definitionFrom, tableProblem } from '../../definition.ts'
import type { Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import { createInputShape, type CreateInput } from '../create-input.ts'

const shapes = {
  aws: createInputShape({ limits: 'aws', roleOptional: false }),
  relaxed: createInputShape({ limits: 'relaxed', roleOptional: false }),
}

/** The stream is ACTIVE as soon as it is durable. */
export const createDeliveryStream: Operation = async ({ input }, api) => {
  const stream = definitionFrom(validated(shapes[api.limits], input) as unknown as CreateInput, {
    region: api.region,
    accountId: api.accountId,
    limits: api.limits,
    roleOptional: false,
    incarnation: randomBytes(8).toString('hex'),
    nowMs: api.clock.now(),
    extensions: api.extensions,
  })
  const problem = await tableProblem(stream, api)
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

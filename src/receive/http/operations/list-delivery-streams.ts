import type { Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import { deliveryStreamName, deliveryStreamType, limit as pageLimit, structure } from '../shapes.ts'

const shape = structure({
  Limit: pageLimit(10_000),
  DeliveryStreamType: deliveryStreamType,
  ExclusiveStartDeliveryStreamName: deliveryStreamName,
})

const LIMIT_DEFAULT = 10

interface Input {
  readonly Limit?: number
  readonly DeliveryStreamType?: string
  readonly ExclusiveStartDeliveryStreamName?: string
}

/** Names in order; the start name need not exist. */
export const listDeliveryStreams: Operation = async ({ input }, api) => {
  const {
    Limit: limit = LIMIT_DEFAULT,
    DeliveryStreamType: type,
    ExclusiveStartDeliveryStreamName: start,
  } = validated(shape, input) as Input
  const streams = await api.registry.list()
  const names = streams
    .filter((stream) => type === undefined || stream.type === type)
    .map((stream) => stream.name)
    .filter((name) => start === undefined || name > start)
    .toSorted()
  return JSON.stringify({
    DeliveryStreamNames: names.slice(0, limit),
    HasMoreDeliveryStreams: names.length > limit,
  })
}

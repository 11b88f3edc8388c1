import { TAGS_MAX } from '../../tags.ts'
import type { Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import { deliveryStreamName, limit, structure, tagKey } from '../shapes.ts'
import { storedStream } from '../stored-stream.ts'

const shape = structure(
  { DeliveryStreamName: deliveryStreamName, ExclusiveStartTagKey: tagKey, Limit: limit(TAGS_MAX) },
  ['DeliveryStreamName'],
)

interface Input {
  readonly DeliveryStreamName: string
  readonly ExclusiveStartTagKey?: string
  readonly Limit?: number
}

/** In order of keys; the start key need not exist. */
export const listTagsForDeliveryStream: Operation = async ({ input }, api) => {
  const {
    DeliveryStreamName: name,
    ExclusiveStartTagKey: start,
    Limit: most = TAGS_MAX,
  } = validated(shape, input) as unknown as Input
  const { tags = [] } = await storedStream(name, api)
  const left = tags.filter(({ Key }) => start === undefined || Key > start)
  return JSON.stringify({ Tags: left.slice(0, most), HasMoreTags: left.length > most })
}

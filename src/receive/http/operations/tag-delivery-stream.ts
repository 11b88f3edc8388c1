import type { Tag } from '../../../domain/delivery-stream.ts'
import { ClientError } from '../../../domain/errors.ts'
import { sameTags, taggedWith, TAGS_MAX } from '../../tags.ts'
import type { Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import { deliveryStreamName, structure, tags } from '../shapes.ts'
import { changeStream, refuseUnless } from '../stored-stream.ts'

const shape = structure({ DeliveryStreamName: deliveryStreamName, Tags: tags }, [
  'DeliveryStreamName',
  'Tags',
])

interface Input {
  readonly DeliveryStreamName: string
  readonly Tags: readonly Tag[]
}

/** Adds tags, and gives those that are there their new values. */
export const tagDeliveryStream: Operation = async ({ input }, api) => {
  const { DeliveryStreamName: name, Tags: given } = validated(shape, input) as unknown as Input
  await changeStream(name, api, (stored) => {
    refuseUnless(['CREATING', 'ACTIVE'], stored, api)
    const before = stored.tags ?? []
    const after = taggedWith(before, given)
    if (after.length > TAGS_MAX)
      throw new ClientError('LimitExceededException', `Firehose ${name} can have at most ${TAGS_MAX} tags`)
    return sameTags(before, after) ? stored : { ...stored, tags: after }
  })
  return '{}'
}

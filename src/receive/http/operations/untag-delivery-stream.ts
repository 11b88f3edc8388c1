import { untagged } from '../../tags.ts'
import type { Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import { deliveryStreamName, structure, tagKeys } from '../shapes.ts'
import { changeStream, refuseUnless } from '../stored-stream.ts'

const shape = structure({ DeliveryStreamName: deliveryStreamName, TagKeys: tagKeys }, [
  'DeliveryStreamName',
  'TagKeys',
])

interface Input {
  readonly DeliveryStreamName: string
  readonly TagKeys: readonly string[]
}

export const untagDeliveryStream: Operation = async ({ input }, api) => {
  const { DeliveryStreamName: name, TagKeys: keys } = validated(shape, input) as unknown as Input
  await changeStream(name, api, (stored) => {
    refuseUnless(['CREATING', 'ACTIVE'], stored, api)
    const before = stored.tags ?? []
    const after = untagged(before, keys)
    return after.length === before.length ? stored : { ...stored, tags: after }
  })
  return '{}'
}

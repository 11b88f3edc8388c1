import { stoppedEncryption } from '../../encryption.ts'
import type { Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import { deliveryStreamName, structure } from '../shapes.ts'
import { changeStream, refuseUnless, refuseUnlessDirectPut } from '../stored-stream.ts'

const shape = structure({ DeliveryStreamName: deliveryStreamName }, ['DeliveryStreamName'])

/** DISABLED at once, also when it was before. */
export const stopDeliveryStreamEncryption: Operation = async ({ input }, api) => {
  const { DeliveryStreamName: name } = validated(shape, input) as { DeliveryStreamName: string }
  await changeStream(name, api, (stored) => {
    refuseUnlessDirectPut(stored)
    refuseUnless(['ACTIVE'], stored, api)
    return { ...stored, encryption: stoppedEncryption(stored, api.clock.now()) }
  })
  api.log.info({ deliveryStream: name }, 'encryption of delivery stream was stopped')
  return '{}'
}

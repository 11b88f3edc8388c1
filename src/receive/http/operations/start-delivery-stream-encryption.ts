import { ClientError } from '../../../domain/errors.ts'
import { keyProblems, startedEncryption } from '../../encryption.ts'
import type { Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import type { EncryptionInput } from '../create-input.ts'
import { deliveryStreamName, encryptionConfigurationInput, structure } from '../shapes.ts'
import { changeStream, refuseUnless, refuseUnlessDirectPut } from '../stored-stream.ts'

const shape = structure(
  {
    DeliveryStreamName: deliveryStreamName,
    DeliveryStreamEncryptionConfigurationInput: encryptionConfigurationInput,
  },
  ['DeliveryStreamName'],
)

interface Input {
  readonly DeliveryStreamName: string
  readonly DeliveryStreamEncryptionConfigurationInput?: EncryptionInput
}

/** ENABLED at once, also when it was before: so a key takes the place of another. */
export const startDeliveryStreamEncryption: Operation = async ({ input }, api) => {
  const { DeliveryStreamName: name, DeliveryStreamEncryptionConfigurationInput: given } = validated(
    shape,
    input,
  ) as unknown as Input
  const key = given ?? { KeyType: 'AWS_OWNED_CMK' }
  const { encryption } = await changeStream(name, api, (stored) => {
    refuseUnlessDirectPut(stored)
    refuseUnless(['ACTIVE'], stored, api)
    for (const problem of keyProblems(key)) throw new ClientError('InvalidArgumentException', problem)
    return { ...stored, encryption: startedEncryption(stored, key, api.clock.now()) }
  })
  api.log.info(
    { deliveryStream: name, keyType: encryption?.keyType },
    'encryption of delivery stream was started',
  )
  return '{}'
}

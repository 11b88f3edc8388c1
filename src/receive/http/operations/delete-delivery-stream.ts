import { statusAt, type DeliveryStream } from '../../../domain/delivery-stream.ts'
import { ClientError } from '../../../domain/errors.ts'
import type { Api, Operation } from '../api.ts'
import { validated } from '../constraints.ts'
import { boolean, deliveryStreamName, structure } from '../shapes.ts'
import { storedStream } from '../stored-stream.ts'

const shape = structure({ DeliveryStreamName: deliveryStreamName, AllowForceDelete: boolean }, [
  'DeliveryStreamName',
])

/** How long the caller waits for a stream with much to drop; after it the stream is seen DELETING for a while. */
const ANSWER_AFTER_MS = 1_000

/**
 * Drops what is pending, without a last delivery, as the service does. AllowForceDelete passes over keys that cannot be
 * given back; there are none here, so it changes nothing.
 */
export const deleteDeliveryStream: Operation = async ({ input }, api) => {
  const { DeliveryStreamName: name } = validated(shape, input) as { DeliveryStreamName: string }
  const stream = await storedStream(name, api)
  const status = statusAt(stream, api.clock.now())
  if (status === 'CREATING')
    throw new ClientError(
      'ResourceInUseException',
      `Firehose ${name} under account ${api.accountId} cannot be deleted in ${status} state`,
    )
  const removed = remove(stream, api)
  api.background(removed.catch((err: unknown) => leftToSweep(stream, err, api)))
  const waiting = new AbortController()
  const answerTime = api.clock.sleep(ANSWER_AFTER_MS, waiting.signal).then(() => false)
  try {
    const done = await Promise.race([removed.then(() => true), answerTime])
    if (!done && !(await isGoing(stream, api))) await removed
  } finally {
    waiting.abort()
  }
  return '{}'
}

async function remove(stream: DeliveryStream, api: Api): Promise<void> {
  const totals = await api.registry.remove(stream)
  api.directory.forget(stream.name)
  api.log.info(
    { deliveryStream: stream.name, incarnation: stream.incarnation, droppedRecords: totals?.dropped },
    'delivery stream was deleted',
  )
}

function leftToSweep(stream: DeliveryStream, err: unknown, api: Api): void {
  api.directory.forget(stream.name)
  api.log.warn({ deliveryStream: stream.name, err }, 'deletion was left to the sweep')
}

/** True once the deletion can no longer be lost: the mark is durable, or nothing is left. */
async function isGoing(stream: DeliveryStream, api: Api): Promise<boolean> {
  const now = await api.registry.get(stream.name)
  return now === undefined || now.incarnation !== stream.incarnation || now.status === 'DELETING'
}

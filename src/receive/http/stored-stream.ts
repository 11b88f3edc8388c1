/** Delivery streams as the registry has them, for the operations that look at one or change it. */
import { statusAt, type DeliveryStream } from '../../domain/delivery-stream.ts'
import { ClientError } from '../../domain/errors.ts'
import type { Api } from './api.ts'

/** @throws ClientError ResourceNotFoundException */
export async function storedStream(name: string, api: Api): Promise<DeliveryStream> {
  const stream = await api.registry.get(name)
  if (stream === undefined) throw notFound(name, api)
  return stream
}

/**
 * Changes a delivery stream. Others may change it at the same moment: `change` decides anew from what is stored until
 * nothing came between, so no change is lost. It answers the stored stream itself to leave it as it is. A stream that was
 * deleted and created again meanwhile is decided about like any other: a caller names a stream, not one life of it.
 *
 * @throws ClientError what `change` refuses with, or ResourceNotFoundException
 */
export async function changeStream(
  name: string,
  api: Api,
  change: (stored: DeliveryStream) => DeliveryStream | Promise<DeliveryStream>,
): Promise<DeliveryStream> {
  for (;;) {
    const stored = await storedStream(name, api)
    const changed = await change(stored)
    if (changed === stored) return stored
    try {
      if ((await api.registry.replace(changed)) === 'replaced') return changed
    } finally {
      // Also when the answer was lost.
      api.directory.forget(name)
    }
  }
}

/** @throws ClientError ResourceInUseException while the stream is not in one of these states */
export function refuseUnless(
  states: readonly ReturnType<typeof statusAt>[],
  stream: DeliveryStream,
  api: Api,
): void {
  const status = statusAt(stream, api.clock.now())
  if (!states.includes(status))
    throw new ClientError(
      'ResourceInUseException',
      `Cannot update firehose: ${stream.name} when it is in ${status} status`,
    )
}

/** @throws ClientError InvalidArgumentException for a stream that is not fed by puts */
export function refuseUnlessDirectPut({ type }: DeliveryStream): void {
  if (type !== 'DirectPut')
    throw new ClientError(
      'InvalidArgumentException',
      `This operation is not permitted on ${type} delivery stream type.`,
    )
}

export function notFound(name: string, api: Api): ClientError {
  return new ClientError(
    'ResourceNotFoundException',
    `Firehose ${name} under account ${api.accountId} not found.`,
  )
}

/**
 * Gives a stream's oldest sealed batches their jobs, a few at a time, so that neither a hot stream nor a dead bucket fills
 * the queue. Called when a batch is sealed, when one is finished, and by the sweep.
 */
import type { Buffer, Dispatch } from '../domain/ports.ts'
import type { DeliveryQueue } from './queue.ts'

export function createDispatch(options: {
  readonly buffer: Pick<Buffer, 'sealed'>
  readonly queue: Pick<DeliveryQueue, 'add'>
  /** Most jobs of one stream at a time. */
  readonly perStream: number
}): Dispatch {
  const { buffer, queue, perStream } = options
  return async (stream) => {
    for (const batch of await buffer.sealed(stream, perStream)) await queue.add(batch)
  }
}

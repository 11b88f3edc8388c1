/** A delivery stream as it is stored. */
import type { DeliveryStream } from '../domain/delivery-stream.ts'

/** Releases before the first one that counts revisions have stored none. */
export type StoredStream = Omit<DeliveryStream, 'revision'> & Partial<Pick<DeliveryStream, 'revision'>>

/** With revision 0 where none was stored, so that its next change is the first that is counted. */
export function readStream(stored: StoredStream): DeliveryStream {
  return { ...stored, revision: stored.revision ?? 0 }
}

/** What takes its place: a caller that has read the one before is refused from then on. */
export function replacing(stream: DeliveryStream): DeliveryStream {
  return { ...stream, revision: stream.revision + 1 }
}

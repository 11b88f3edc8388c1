/**
 * The way of a put: records of a request into a frame, the frame into its delivery stream.
 *
 * A clean request is read by hand, without a walk of the constraint engine over each record; whatever else comes is given
 * to the engine, which knows the service's words for it.
 */
import { statusAt, type DeliveryStream } from '../../domain/delivery-stream.ts'
import { ClientError } from '../../domain/errors.ts'
import { FrameBuilder, type Frame } from '../../domain/frame.ts'
import { BATCH_BYTES_MAX, RECORD_BYTES_MAX } from '../../domain/limits.ts'
import { recordIdPrefix } from '../../domain/record.ts'
import { isEncrypted } from '../encryption.ts'
import type { Api } from './api.ts'
import { base64Length, isBase64, notBase64 } from './base64.ts'
import { structure } from './shapes.ts'
import { notFound, refuseUnlessDirectPut } from './stored-stream.ts'

export const recordShape = structure({ Data: { type: 'blob', max: RECORD_BYTES_MAX } }, ['Data'])

const NAME = /^[a-zA-Z0-9_.-]{1,64}$/

export interface CleanRecord {
  readonly Data: string
}

export function isCleanName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name)
}

/** Bytes of all records once decoded, or undefined when one of them breaks a constraint. Does not look at the base64. */
export function cleanBytes(records: readonly unknown[]): number | undefined {
  let total = 0
  for (const record of records) {
    if (typeof record !== 'object' || record === null) return undefined
    const data = (record as Partial<CleanRecord>).Data
    if (typeof data !== 'string' || (data.length & 3) !== 0) return undefined
    const bytes = base64Length(data)
    if (bytes > RECORD_BYTES_MAX) return undefined
    total += bytes
  }
  return total
}

/**
 * The records in one frame, or undefined when one of them is not base64.
 *
 * The decoder skips what it does not know, so a text that yields all its bytes is base64, but for two things it is kind
 * about: the URL alphabet, and characters whose low byte is in the alphabet (which only a body that is not plain holds).
 */
export function frameOf(
  records: readonly CleanRecord[],
  bytes: number,
  arrivalMs: number,
  plain: boolean,
): Frame | undefined {
  const builder = new FrameBuilder(records.length, bytes)
  for (const { Data: data } of records) {
    if (builder.addBase64(data) !== base64Length(data)) return undefined
    if (data.includes('-') || data.includes('_') || !(plain || isBase64(data))) return undefined
  }
  return builder.finish(arrivalMs)
}

/** Why there is no frame of these records. */
export function notFramed(records: readonly CleanRecord[]): ClientError {
  return notBase64(records.find(({ Data: data }) => !isBase64(data))?.Data ?? '')
}

export type Put =
  | {
      readonly kind: 'accepted'
      /** Record ids are this and the index. */
      readonly idPrefix: string
      readonly encrypted: boolean
    }
  | { readonly kind: 'throttled'; readonly encrypted: boolean }

/**
 * @throws ClientError when the stream is not there, does not take puts, or the frame is too large for one call
 * @throws BufferUnavailableError when it is not known whether the records were taken
 */
export async function put(name: string, frame: Frame, api: Api): Promise<Put> {
  let stream = await writable(name, api)
  if (frame.recordBytes > BATCH_BYTES_MAX)
    throw new ClientError('InvalidArgumentException', 'Records size exceeds 4 MB limit')
  let accepted = await api.accept(stream, frame)
  if (accepted.kind === 'refused') {
    // Deleted, or deleted and created again, since the name was looked up.
    api.directory.forget(name)
    stream = await writable(name, api)
    accepted = await api.accept(stream, frame)
  }
  if (accepted.kind === 'refused') throw notActive(name, api)
  const encrypted = isEncrypted(stream)
  if (accepted.kind === 'throttled') return { kind: 'throttled', encrypted }
  return { kind: 'accepted', idPrefix: recordIdPrefix(stream, accepted.appendSequence), encrypted }
}

async function writable(name: string, api: Api): Promise<DeliveryStream> {
  const stream = await api.directory.find(name)
  if (stream === undefined) throw notFound(name, api)
  if (statusAt(stream, api.clock.now()) !== 'ACTIVE') throw notActive(name, api)
  refuseUnlessDirectPut(stream)
  return stream
}

function notActive(name: string, api: Api): ClientError {
  return new ClientError(
    'ResourceNotFoundException',
    `Firehose ${name} is not active in ${api.accountId} account.`,
  )
}

/**
 * Server-side encryption as the API keeps and reports it. It is state only: at rest, records are as well encrypted as the
 * store that the operator gave.
 */
import type { DeliveryStream, Encryption, JsonObject } from '../domain/delivery-stream.ts'
import { ClientError } from '../domain/errors.ts'
import type { EncryptionInput } from './http/create-input.ts'

/** Starts and stops of one delivery stream in 24 hours (docs.aws.amazon.com/firehose/latest/APIReference/API_StartDeliveryStreamEncryption.html). */
const CHANGES_MAX = 25
const DAY_MS = 24 * 3600 * 1000

/** What is wrong with the key that is asked for. */
export function* keyProblems({ KeyType, KeyARN }: EncryptionInput): Generator<string> {
  if (KeyType === 'AWS_OWNED_CMK' && KeyARN !== undefined)
    yield 'KeyARN cannot be specified when KeyType is AWS_OWNED_CMK'
  if (KeyType === 'CUSTOMER_MANAGED_CMK' && KeyARN === undefined)
    yield 'KeyARN must be specified when KeyType is CUSTOMER_MANAGED_CMK'
}

/** Encryption of a stream that is created with it; that counts towards no limit. */
export function encryptionFrom({ KeyType, KeyARN }: EncryptionInput): Encryption {
  return {
    status: 'ENABLED',
    keyType: KeyType,
    ...(KeyARN === undefined ? {} : { keyArn: KeyARN }),
    changesAtMs: [],
  }
}

/** @throws ClientError LimitExceededException */
export function startedEncryption(stream: DeliveryStream, input: EncryptionInput, nowMs: number): Encryption {
  return { ...encryptionFrom(input), changesAtMs: changesWith(stream, nowMs) }
}

/** @throws ClientError LimitExceededException */
export function stoppedEncryption(stream: DeliveryStream, nowMs: number): Encryption {
  return {
    keyType: 'AWS_OWNED_CMK',
    ...stream.encryption,
    status: 'DISABLED',
    changesAtMs: changesWith(stream, nowMs),
  }
}

/** The changes that still count, and this one. */
function changesWith({ name, encryption }: DeliveryStream, nowMs: number): readonly number[] {
  const counted = (encryption?.changesAtMs ?? []).filter((changedAtMs) => changedAtMs > nowMs - DAY_MS)
  if (counted.length >= CHANGES_MAX)
    throw new ClientError(
      'LimitExceededException',
      `Firehose ${name} can start and stop encryption ${CHANGES_MAX} times in 24 hours`,
    )
  return [...counted, nowMs]
}

/** DeliveryStreamEncryptionConfiguration; absent for a stream that is not fed by puts. */
export function encryptionDescription({ type, encryption }: DeliveryStream): JsonObject | undefined {
  if (type !== 'DirectPut') return undefined
  if (encryption?.status !== 'ENABLED') return { Status: 'DISABLED' }
  const { keyType, keyArn } = encryption
  return { ...(keyArn === undefined ? {} : { KeyARN: keyArn }), KeyType: keyType, Status: 'ENABLED' }
}

export function isEncrypted({ encryption }: DeliveryStream): boolean {
  return encryption?.status === 'ENABLED'
}

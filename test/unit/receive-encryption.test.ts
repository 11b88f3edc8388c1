/** Encryption as state: what is kept, what is described, and how often it may change. */
import { expect, test } from 'vitest'
import type { DeliveryStream, Encryption } from '../../src/domain/delivery-stream.ts'
import {
  encryptionDescription,
  encryptionFrom,
  isEncrypted,
  startedEncryption,
  stoppedEncryption,
} from '../../src/receive/encryption.ts'
import { streamOf } from '../conformance/store/fixture.ts'

const HOUR_MS = 3600 * 1000
const KEY_ARN = 'arn:aws:kms:us-east-1:000000000000:key/orders'

function streamWith(encryption: Encryption | undefined): DeliveryStream {
  return { ...streamOf(), ...(encryption === undefined ? {} : { encryption }) }
}

test('a stream is not encrypted until it is started, and described with its key while it is', () => {
  const never = streamWith(undefined)
  expect(isEncrypted(never)).toBe(false)
  expect(encryptionDescription(never)).toEqual({ Status: 'DISABLED' })
  const started = streamWith(
    startedEncryption(never, { KeyType: 'CUSTOMER_MANAGED_CMK', KeyARN: KEY_ARN }, 1),
  )
  expect(isEncrypted(started)).toBe(true)
  expect(encryptionDescription(started)).toEqual({
    KeyARN: KEY_ARN,
    KeyType: 'CUSTOMER_MANAGED_CMK',
    Status: 'ENABLED',
  })
  const owned = streamWith(startedEncryption(started, { KeyType: 'AWS_OWNED_CMK' }, 2))
  expect(encryptionDescription(owned)).toEqual({ KeyType: 'AWS_OWNED_CMK', Status: 'ENABLED' })
  const stopped = streamWith(stoppedEncryption(started, 2))
  expect(isEncrypted(stopped)).toBe(false)
  expect(encryptionDescription(stopped)).toEqual({ Status: 'DISABLED' })
})

test('a stream that is not fed by puts is described without encryption', () => {
  expect(encryptionDescription({ ...streamOf(), type: 'KinesisStreamAsSource' })).toBeUndefined()
})

test('starts and stops together are 25 in any 24 hours; creation is none of them', () => {
  let stream = streamWith(encryptionFrom({ KeyType: 'AWS_OWNED_CMK' }))
  for (let hour = 1; hour <= 25; hour += 1) {
    const nowMs = (hour * HOUR_MS) / 2
    stream = streamWith(
      hour % 2 === 0
        ? stoppedEncryption(stream, nowMs)
        : startedEncryption(stream, { KeyType: 'AWS_OWNED_CMK' }, nowMs),
    )
  }
  const refused = { type: 'LimitExceededException' }
  const firstAgesMs = HOUR_MS / 2 + 24 * HOUR_MS
  expect(() => stoppedEncryption(stream, firstAgesMs - 1)).toThrow(expect.objectContaining(refused))
  expect(() => startedEncryption(stream, { KeyType: 'AWS_OWNED_CMK' }, firstAgesMs - 1)).toThrow(
    expect.objectContaining(refused),
  )
  const after = stoppedEncryption(stream, firstAgesMs)
  expect(after.changesAtMs).toHaveLength(25)
  expect(() => stoppedEncryption(streamWith(after), firstAgesMs)).toThrow(expect.objectContaining(refused))
})

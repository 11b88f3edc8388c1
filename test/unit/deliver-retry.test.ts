/** D4: retries never end; only a collision, a batch that kills its own process, and damaged frames are set aside. */
import { expect, test } from 'vitest'
import {
  BufferUnavailableError,
  DestinationError,
  EncoderError,
  FrameError,
} from '../../src/domain/errors.ts'
import { verdictOn } from '../../src/deliver/retry.ts'
import { backoffMs } from '../../src/runtime/backoff.ts'

const destinationError = (retryable: boolean): DestinationError =>
  new DestinationError('put k: x', { code: retryable ? 'SlowDown' : 'Collision', retryable })

test.each([
  ['a destination that may recover', destinationError(true), 'retry'],
  ['a key that holds other data', destinationError(false), 'quarantine'],
  ['an encoder out of memory', new EncoderError('encode: no memory', { code: 'OutOfMemory' }), 'retry'],
  ['a child process that died', new EncoderError('encode: died', { code: 'ChildDied' }), 'quarantine'],
  ['a store that is away', new BufferUnavailableError('read: time-out'), 'retry'],
  ['a damaged frame', new FrameError('read frame: checksum'), 'quarantine'],
  ['a frame of a newer version', new FrameError('read frame: version 2', true), 'retry'],
  ['a defect', new TypeError('x is undefined'), 'retry'],
])('%s: %s -> %s', (_name, error, kind) => {
  expect(verdictOn(error, 1, 0.5).kind).toBe(kind)
})

test('waits grow with the attempts, stay under a minute and never become nothing', () => {
  const waits = Array.from({ length: 50 }, (_, index) =>
    backoffMs({ firstMs: 500, capMs: 60_000 }, index + 1, 0.5),
  )
  expect(waits.every((wait, index) => index === 0 || wait >= (waits[index - 1] ?? 0))).toBe(true)
  expect(waits[0]).toBeGreaterThanOrEqual(250)
  expect(waits.at(-1)).toBeLessThanOrEqual(60_000)
})

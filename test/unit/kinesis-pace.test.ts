/** A shard is read as often as it gives something, never faster than Kinesis allows, and less and less often while refused. */
import { array, assert, constantFrom, double, integer, nat, oneof, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  afterAppend,
  afterFailure,
  afterLastRead,
  afterPause,
  afterRead,
  afterThrottle,
  startingPace,
  type Pace,
} from '../../src/receive/kinesis/pace.ts'

const MIB = 1024 * 1024
const options = { idleMs: 1_000, busyMs: 250, bytesPerSecond: 2 * MIB }
const start = startingPace(5_000)

test('a new reader may read at once', () => {
  expect(start.nextMs).toBe(5_000)
})

test.each([
  ['has given all it has', { bytes: 0, behindMs: 0 }, 6_000],
  ['has given all it has, a few records', { bytes: 20_000, behindMs: 0 }, 6_000],
  ['lags', { bytes: 20_000, behindMs: 1 }, 5_250],
  ['lags by hours', { bytes: 20_000, behindMs: 9e6 }, 5_250],
  ['gave nothing but lags', { bytes: 0, behindMs: 60_000 }, 5_250],
  ['gave 1 MiB and lags', { bytes: MIB, behindMs: 60_000 }, 5_600],
  ['gave 10 MiB and lags', { bytes: 10 * MIB, behindMs: 60_000 }, 10_100],
  ['gave 10 MiB and no more', { bytes: 10 * MIB, behindMs: 0 }, 10_100],
])('the next read of a shard that %s begins in time', (_, answer, nextMs) => {
  expect(afterRead(start, { startedMs: 5_000, endedMs: 5_100, ...answer }, options).nextMs).toBe(nextMs)
})

test('a read that took longer than the interval is followed at once', () => {
  const read = { startedMs: 5_000, endedMs: 9_000, bytes: 0, behindMs: 0 }
  expect(afterRead(start, read, options).nextMs).toBeLessThanOrEqual(9_000)
})

test('what was not paid for yet by later answers adds up', () => {
  const first = afterRead(start, { startedMs: 5_000, endedMs: 5_000, bytes: 10 * MIB, behindMs: 9 }, options)
  const again = afterRead(first, { startedMs: 6_000, endedMs: 6_000, bytes: 2 * MIB, behindMs: 9 }, options)
  expect(again.nextMs).toBe(5_000 + 6_000)
})

test('the end of a shard waits for nothing, because it asks for no records', () => {
  const read = { startedMs: 5_000, endedMs: 5_000, bytes: 10 * MIB, behindMs: 0 }
  expect(afterLastRead(afterRead(start, read, options), 5_100).nextMs).toBe(5_100)
})

describe('refused for too many calls or bytes', () => {
  const waits = (pace: Pace, random: number): number => afterThrottle(pace, 5_000, random).nextMs - 5_000
  const throttled = (times: number): Pace => {
    let pace = start
    for (let time = 0; time < times; time += 1) pace = afterThrottle(pace, 5_000, 0)
    return pace
  }

  test.each([
    [1, 1_000, 2_000],
    [2, 1_000, 4_000],
    [3, 1_000, 8_000],
    [4, 1_000, 10_000],
    [1_000, 1_000, 10_000],
  ])('for the %d. time it waits from %d to %d ms', (times, leastMs, mostMs) => {
    const before = throttled(times - 1)
    expect(waits(before, 0)).toBe(leastMs)
    expect(waits(before, 1)).toBe(mostMs)
    expect(waits(before, 0.5)).toBe((leastMs + mostMs) / 2)
  })

  test('each success makes up for one refusal', () => {
    const read = { startedMs: 5_000, endedMs: 5_000, bytes: 0, behindMs: 0 }
    const once = afterRead(throttled(3), read, options)
    expect(waits(once, 1)).toBe(8_000)
    const thrice = afterRead(afterRead(once, read, options), read, options)
    expect(waits(thrice, 1)).toBe(2_000)
    expect(waits(afterRead(thrice, read, options), 1)).toBe(2_000)
  })
})

describe.each([
  ['other failures', afterFailure],
  ['appends that the buffer did not take', afterPause],
])('%s', (_, after) => {
  test('wait from one second on, doubling, with jitter, half a minute at most', () => {
    let pace = start
    const ceilings: number[] = []
    for (let time = 0; time < 8; time += 1) {
      ceilings.push(after(pace, 5_000, 1).nextMs - 5_000)
      expect(after(pace, 5_000, 0).nextMs - 5_000).toBe((ceilings.at(-1) ?? 0) / 2)
      pace = after(pace, 5_000, 0.5)
    }
    expect(ceilings).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  })
})

test('an answer ends the failures, but only an append that was taken ends the pauses', () => {
  const failed = afterFailure(afterFailure(start, 0, 0), 0, 0)
  const paused = afterPause(afterPause(failed, 0, 0), 0, 0)
  const read = afterRead(paused, { startedMs: 0, endedMs: 0, bytes: 0, behindMs: 0 }, options)
  expect(read).toMatchObject({ failures: 0, pauses: 2 })
  expect(afterAppend(read)).toMatchObject({ failures: 0, pauses: 0 })
})

describe('whatever happens', () => {
  const happening = oneof(
    record({
      kind: constantFrom('read'),
      tookMs: nat({ max: 5_000 }),
      bytes: nat({ max: 10 * MIB }),
      behindMs: nat({ max: 3 }),
    }),
    record({
      kind: constantFrom('throttled', 'failed', 'paused'),
      random: double({ min: 0, max: 0.999, noNaN: true }),
    }),
  )

  test('Kinesis is never asked more than 4 times a second, nor for more bytes than a shard gives', () => {
    assert(
      property(array(happening, { maxLength: 200 }), nat({ max: 3_000 }), (happenings, dallyMs) => {
        let pace = startingPace(0)
        let nowMs = 0
        const reads: { startedMs: number; endedMs: number; bytes: number }[] = []
        for (const one of happenings) {
          nowMs = Math.max(nowMs, pace.nextMs)
          if ('random' in one) {
            const after = { throttled: afterThrottle, failed: afterFailure, paused: afterPause }[one.kind]
            pace = after?.(pace, nowMs, one.random) ?? pace
            expect(pace.nextMs - nowMs).toBeGreaterThanOrEqual(500)
          } else {
            const { bytes, behindMs } = one
            const read = { startedMs: nowMs, endedMs: nowMs + one.tookMs, bytes }
            reads.push(read)
            pace = afterRead(pace, { ...read, behindMs }, options)
            nowMs += one.tookMs + dallyMs
          }
        }
        for (const [index, read] of reads.entries()) {
          const before = reads[index - 1]
          if (before === undefined) continue
          expect(read.startedMs - before.startedMs).toBeGreaterThanOrEqual(250)
          expect(read.startedMs - before.endedMs).toBeGreaterThanOrEqual(
            Math.floor((before.bytes / options.bytesPerSecond) * 1000),
          )
        }
      }),
    )
  })

  test('nobody waits for more than the bytes or half a minute', () => {
    assert(
      property(array(integer({ min: 0, max: 2 }), { maxLength: 100 }), (failures) => {
        let pace = startingPace(0)
        for (const kind of failures) {
          const after = [afterThrottle, afterFailure, afterPause][kind] ?? afterFailure
          pace = after(pace, 0, 0.999)
          expect(pace.nextMs).toBeLessThanOrEqual(30_000)
        }
      }),
    )
  })
})

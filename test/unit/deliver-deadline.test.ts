/** How long an attempt may take, and what does not count. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openRawEncoder } from '../../src/convert/raw.ts'
import { startDeadline } from '../../src/deliver/deadline.ts'
import { PROCESSORS_VERSION } from '../../src/domain/plan.ts'
import type { Processors } from '../../src/domain/ports.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { oneDelivery, type OneDelivery } from '../support/one-delivery.ts'
import { apiFrame, plan, transformBy } from '../support/transform-batch.ts'

const open = (clock: FakeClock) =>
  startDeadline(clock, 60_000, { signal: new AbortController().signal, late: () => new Error('too long') })

test('the signal comes when the time is over, and not when it was ended before', async () => {
  const clock = new FakeClock()
  const deadline = open(clock)
  await clock.advance(59_999)
  expect(deadline.signal.aborted).toBe(false)
  await clock.advance(1)
  expect(deadline.signal.reason).toEqual(new Error('too long'))
  const ended = open(clock)
  ended.end()
  await clock.advance(60_000)
  expect(ended.signal.aborted).toBe(false)
  expect(clock.sleeping).toBe(0)
})

test('what is untimed may take longer, and then the time starts again', async () => {
  const clock = new FakeClock()
  const deadline = open(clock)
  await clock.advance(50_000)
  const answered = deadline.untimed(() => clock.sleep(3_600_000).then(() => 'answer'))
  await clock.advance(3_600_000)
  expect(await answered).toBe('answer')
  await clock.advance(59_999)
  expect(deadline.signal.aborted).toBe(false)
  await clock.advance(1)
  expect(deadline.signal.aborted).toBe(true)
  deadline.end()
  expect(clock.sleeping).toBe(0)
})

test('an end of the job ends what is untimed, and its failure is the caller’s', async () => {
  const clock = new FakeClock()
  const job = new AbortController()
  const deadline = startDeadline(clock, 60_000, { signal: job.signal, late: () => new Error('too long') })
  const waiting = deadline.untimed(
    () =>
      new Promise((_resolve, reject) =>
        deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason as Error)),
      ),
  )
  const told = expect(waiting).rejects.toThrow('stop')
  job.abort(new Error('stop'))
  await told
  deadline.end()
  expect(clock.sleeping).toBe(0)
})

/** A delivery whose transform takes 20 minutes, of 1 that an attempt may take. */
async function longTransform(): Promise<OneDelivery> {
  const stagingPath = await mkdtemp(join(tmpdir(), 'hydrant-deadline-'))
  const encoder = await openRawEncoder({ stagingPath })
  onTestFinished(async () => {
    await encoder.close()
    await rm(stagingPath, { recursive: true })
  })
  const processors: Processors = {
    async process({ frames, signal, lend = (run) => run(signal) }) {
      await lend(() => delivery.clock.sleep(20 * 60_000))
      return { frames, untransformed: frames, dispose: () => Promise.resolve() }
    },
  }
  const destination = { ...plan.destination, processing: { transform: transformBy() } }
  const delivery = oneDelivery({
    frames: [apiFrame(['a', 'b'])],
    encoder,
    plan: { ...plan, destination, processorsVersion: PROCESSORS_VERSION },
    stagingPath,
    processors,
  })
  return delivery
}

test('a batch whose transform takes longer than an attempt may is delivered in its first attempt', async () => {
  const delivery = await longTransform()
  const result = delivery.attempt()
  await delivery.clock.advance(20 * 60_000)
  expect(await result).toEqual({ kind: 'finished' })
  expect(delivery.outcome).toMatchObject({ delivered: 2, failed: 0 })
})

test('neither does it count how long an attempt waits for its place behind that', async () => {
  const delivery = await longTransform()
  const result = delivery.attempt(async (run, signal) => {
    const answer = await run(signal)
    await delivery.clock.sleep(10 * 60_000)
    signal.throwIfAborted()
    return answer
  })
  await delivery.clock.advance(30 * 60_000)
  expect(await result).toEqual({ kind: 'finished' })
})

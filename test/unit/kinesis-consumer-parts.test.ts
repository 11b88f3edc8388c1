/** What the consumer is made of: rounds that can be hurried, and the time of creation that many ask for at once. */
import { expect, test } from 'vitest'
import { shareCreation } from '../../src/receive/kinesis/creation.ts'
import { startRounds } from '../../src/receive/kinesis/rounds.ts'
import { FakeClock } from '../support/fake-clock.ts'

interface Asked {
  readonly answer: (createdAtMs: number) => void
  readonly fail: (error: Error) => void
}

function creation() {
  const asked: Asked[] = []
  const closing = new AbortController()
  const dataStream = {
    createdAt: () => new Promise<number>((answer, fail) => asked.push({ answer, fail })),
  }
  return { asked, closing, shared: shareCreation(dataStream, closing.signal) }
}
const unaborted = new AbortController().signal
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
}

test('all who ask while a call is under way share the one that follows it', async () => {
  const { asked, shared } = creation()
  const first = shared.isSame('1/shard', unaborted)
  const later = [1, 2, 3].map(() => shared.isSame('1/shard', unaborted))
  expect(asked).toHaveLength(1)
  asked[0]?.answer(1)
  expect(await first).toBe(true)
  await turns()
  expect(asked).toHaveLength(2)
  // The data stream was made again in between: those who asked after the first call had begun are told.
  asked[1]?.answer(2)
  expect(await Promise.all(later)).toEqual([false, false, false])
  await turns()
  expect(asked).toHaveLength(2)
})

test('a call that fails fails for those who shared it, and the next one is made all the same', async () => {
  const { asked, shared } = creation()
  const first = shared.createdAt(unaborted)
  const second = shared.createdAt(unaborted)
  asked[0]?.fail(new Error('away'))
  await expect(first).rejects.toThrow('away')
  await turns()
  asked[1]?.answer(5)
  expect(await second).toBe(5)
})

test('who asks no longer waits, while the others are answered', async () => {
  const { asked, shared } = creation()
  const stopping = new AbortController()
  const impatient = shared.createdAt(stopping.signal)
  const patient = shared.createdAt(unaborted)
  stopping.abort(new Error('stopped'))
  await expect(impatient).rejects.toThrow('stopped')
  await expect(shared.createdAt(stopping.signal)).rejects.toThrow('stopped')
  asked[0]?.answer(1)
  await turns()
  asked[1]?.answer(2)
  expect(await patient).toBe(2)
})

function rounds(round: (clock: FakeClock) => Promise<number>) {
  const clock = new FakeClock()
  const times: number[] = []
  const told: string[] = []
  const beganMs = clock.now()
  const started = startRounds({
    clock,
    round: () => {
      times.push(clock.now() - beganMs)
      return round(clock)
    },
    onFailure: (error, failures) => {
      told.push(`${(error as Error).message} ${failures}`)
      return 100 * failures
    },
    onRecovery: () => told.push('recovered'),
  })
  return { clock, times, told, started }
}

test('a round begins so long after the beginning of the one before, however long that took', async () => {
  const { clock, times, started } = rounds((time) => time.sleep(300).then(() => 1_000))
  await clock.advance(3_500)
  expect(times).toEqual([0, 1_000, 2_000, 3_000])
  const stopped = started.stop()
  await clock.advance(300)
  await stopped
})

test('a round that is asked for begins at once, or after the one in progress, and not twice for two that ask', async () => {
  const { clock, times, started } = rounds((time) => time.sleep(200).then(() => 10_000))
  await clock.advance(1_000)
  started.soon()
  started.soon()
  await clock.advance(100)
  expect(times).toEqual([0, 1_000])
  started.soon()
  started.soon()
  await clock.advance(1_000)
  expect(times).toEqual([0, 1_000, 1_250])
  const stopped = started.stop()
  await clock.advance(200)
  await stopped
  started.soon()
  await clock.advance(20_000)
  expect(times).toHaveLength(3)
})

test('rounds that fail go on as the failure says, and the first that does not is told', async () => {
  let left = 3
  const { clock, times, told, started } = rounds(() => {
    left -= 1
    return left >= 0 ? Promise.reject(new Error('away')) : Promise.resolve(1_000)
  })
  await clock.advance(700)
  expect(times).toEqual([0, 100, 300, 600])
  expect(told).toEqual(['away 1', 'away 2', 'away 3', 'recovered'])
  await started.stop()
})

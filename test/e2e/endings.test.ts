/**
 * G1, G2: a process that has no time to stop in good order, for a defect or a second signal, ends at once, also in the middle
 * of its writes, and the next one goes on with what it had.
 */
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { HydrantProcess } from '../support/hydrant.ts'
import { judge, Producer } from '../support/producer.ts'
import { convertingStream } from './declarations.ts'
import { test, type Installation } from './installation.ts'
import { rowsByTwoReaders } from './two-readers.ts'

const STREAM = 'orders-to-s3'
/** A few kilobytes a call, from several callers at a time: the store is in a transaction most of the time. */
const CALLERS = 12

async function underLoad(
  round: number,
  installation: Installation,
  process: HydrantProcess,
  end: () => Promise<void>,
): Promise<Producer[]> {
  const producers = Array.from({ length: CALLERS }, (_, caller) => new Producer(STREAM, `${round}-${caller}`))
  const client = installation.client(process)
  const load = producers.map(async (producer) => {
    while (!process.hasEnded) await producer.send(client, 20)
  })
  await eventually(() => {
    for (const { acknowledged } of producers) expect(acknowledged.size).toBeGreaterThan(100)
  })
  await end()
  await Promise.all(load)
  return producers
}

async function expectAllLanded(installation: Installation, producers: readonly Producer[]): Promise<void> {
  const process = await installation.start()
  expect(producers.every(({ acknowledged }) => acknowledged.size > 0)).toBe(true)
  await installation.delivered(process, STREAM)
  const rows = await rowsByTwoReaders(await installation.objects())
  expect(
    judge(
      producers,
      rows.map((row) => String(row['order_id'])),
    ),
  ).toEqual([])
}

test('a defect ends the process, and with it no record', async ({ install }) => {
  const installation = await install({ streams: [convertingStream(STREAM)] })
  const all: Producer[] = []
  for (let round = 0; round < 3; round += 1) {
    const process = await installation.start({
      preload: "process.on('SIGUSR2', () => { throw new Error('a defect') })",
    })
    const producers = await underLoad(round, installation, process, async () => {
      process.child.kill('SIGUSR2')
      expect(await process.ended).toEqual({ code: 1, signal: null })
    })
    expect(process.log.match(/"a defect"/g)).toHaveLength(1)
    all.push(...producers)
  }
  await expectAllLanded(installation, all)
})

test('so does a second signal', async ({ install }) => {
  const installation = await install({ streams: [convertingStream(STREAM)] })
  const all: Producer[] = []
  for (let round = 0; round < 3; round += 1) {
    const process = await installation.start()
    const producers = await underLoad(round, installation, process, async () => {
      process.child.kill('SIGTERM')
      process.child.kill('SIGINT')
      const { code } = await process.ended
      expect([130, 143]).toContain(code)
    })
    all.push(...producers)
  }
  await expectAllLanded(installation, all)
})

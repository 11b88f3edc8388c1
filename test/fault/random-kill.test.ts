/**
 * G1, G2, G3 under random deaths: producers keep sending while processes are killed and started again. The seed is printed;
 * SEED repeats a run, KILLS makes it longer.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { seeded } from '../../bench/orders.ts'
import type { HydrantProcess } from '../support/hydrant.ts'
import { Producer } from '../support/producer.ts'
import { createWorld, STREAM, type Shape, type World } from './world.ts'

const kills = Number(process.env['KILLS'] ?? 6)
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

/** A process that is started again whenever it dies. */
class Lasting {
  readonly #start: () => Promise<HydrantProcess>
  current: HydrantProcess

  private constructor(start: () => Promise<HydrantProcess>, current: HydrantProcess) {
    this.#start = start
    this.current = current
  }

  static async begin(start: () => Promise<HydrantProcess>): Promise<Lasting> {
    return new Lasting(start, await start())
  }

  async killAndRestart(): Promise<void> {
    await this.current.kill()
    this.current = await this.#start()
  }
}

async function produce(world: World, target: Lasting, producer: Producer, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const client = world.client(target.current)
    const process = target.current
    while (!stop.aborted && target.current === process) {
      await producer.send(client, 100, { bad: 1, padding: 400 })
      await wait(20)
    }
  }
}

for (const shape of ['embedded', 'distributed'] as const satisfies readonly Shape[]) {
  test(`${shape}: processes killed at random lose nothing and deliver nothing twice (SEED=${seed})`, async () => {
    const random = seeded(seed)
    const world = await createWorld(shape)
    try {
      const first = await Lasting.begin(() => world.startApi())
      const apis = [first]
      const everyone = [first]
      if (shape === 'distributed') {
        apis.push(await Lasting.begin(() => world.startApi()))
        const deliveries = [
          await Lasting.begin(() => world.startDelivery()),
          await Lasting.begin(() => world.startDelivery()),
        ]
        everyone.push(...apis.slice(1), ...deliveries)
      }
      const stop = new AbortController()
      const producers = apis.map((_, index) => new Producer(STREAM, `p${index}`))
      const producing = apis.map((api, index) =>
        produce(world, api, producers[index] ?? new Producer(STREAM), stop.signal),
      )
      for (let kill = 0; kill < kills; kill += 1) {
        await wait(300 + random() * 1_700)
        await everyone[Math.floor(random() * everyone.length)]?.killAndRestart()
      }
      stop.abort()
      await Promise.all(producing)
      expect(producers.every(({ acknowledged }) => acknowledged.size > 0)).toBe(true)
      await world.expectAllDelivered(first.current, producers, 120_000)
    } finally {
      await world.close()
    }
  })
}

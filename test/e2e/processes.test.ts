/** G1, G2, G3 over the life of processes: they stop in good order or at once, and share the work of one installation. */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { faults } from '../support/fake-s3.ts'
import { judge, Producer } from '../support/producer.ts'
import { convertingStream } from './declarations.ts'
import { test, type Installation } from './installation.ts'
import { rowsByTwoReaders } from './two-readers.ts'
import { errorLines } from '../support/landed.ts'

const STREAM = 'orders-to-s3'

/** Ids of the rows and of the error records. */
async function landedIds(installation: Installation): Promise<string[]> {
  const objects = await installation.objects()
  const rows = await rowsByTwoReaders(objects)
  const failed = errorLines(objects).map(({ rawData }) => Buffer.from(rawData, 'base64').toString())
  return [
    ...rows.map((row) => String(row['order_id'])),
    ...failed.map((record) => (JSON.parse(record) as { order_id: string }).order_id),
  ]
}

for (const store of ['embedded', 'redis'] as const) {
  test.concurrent(
    `G1: ${store}: asked to stop while records are buffered, it exits 0, and the next start delivers them`,
    async ({ install }) => {
      const installation = await install({
        store,
        streams: [convertingStream(STREAM, { intervalSeconds: 3 })],
      })
      const first = await installation.start()
      const producer = new Producer(STREAM)
      await producer.send(installation.client(first), 50, { bad: 2 })
      await installation.stop(first)
      expect(first.log).toContain('process stopped')
      expect(await installation.objects()).toEqual([])

      const second = await installation.start()
      const ledger = await installation.delivered(second, STREAM)
      expect(ledger).toEqual({ accepted: 50, delivered: 48, failed: 2, dropped: 0, pending: 0 })
      expect(judge([producer], await landedIds(installation))).toEqual([])
    },
  )
}

test.concurrent(
  'G1, G2: asked to stop under load, it answers what it has taken, and every acknowledged record lands once',
  async ({ install }) => {
    const installation = await install({ streams: [convertingStream(STREAM, { sizeMiB: 1 })] })
    const first = await installation.start()
    const producers = Array.from({ length: 4 }, (_, index) => new Producer(STREAM, `p${index}`))
    const producing = producers.map(async (producer) => {
      const client = installation.client(first)
      while (!first.hasEnded && producer.unknown.size === 0)
        await producer.send(client, 200, { padding: 300 })
    })
    await eventually(async () => expect(await installation.objects()).not.toEqual([]))
    await installation.stop(first)
    await Promise.all(producing)
    const second = await installation.start()
    await installation.delivered(second, STREAM)
    expect(judge(producers, await landedIds(installation))).toEqual([])
  },
)

test.concurrent(
  'G1, G2: a second signal ends a stop that waits for a hanging put at once, and the next start delivers once',
  async ({ install }) => {
    const installation = await install({ objects: 's3', streams: [convertingStream(STREAM)] })
    installation.s3.fail(faults.hangAfterStore)
    const first = await installation.start()
    const producer = new Producer(STREAM)
    await producer.send(installation.client(first), 30)
    await eventually(() => expect(installation.s3.keys('lake')).toHaveLength(1))
    first.child.kill('SIGTERM')
    await eventually(() => expect(first.log).toContain('process was asked to stop'))
    expect(first.hasEnded).toBe(false)
    const askedAt = performance.now()
    expect(await first.kill('SIGTERM')).toEqual({ code: 143, signal: null })
    expect(performance.now() - askedAt).toBeLessThan(3_000)

    const second = await installation.start()
    await installation.delivered(second, STREAM)
    expect(installation.s3.keys('lake')).toHaveLength(1)
    expect(judge([producer], await landedIds(installation))).toEqual([])
  },
)

/** Ports on which a process listens, from the kernel's own tables. */
async function listeningPorts(pid: number): Promise<number[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`)
  const targets = await Promise.all(
    descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => 'closed meanwhile')),
  )
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')),
  )
  return tables
    .flatMap((table) => table.trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && targets.includes(`socket:[${inode}]`))
    .map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16))
}

const onLinux = process.platform === 'linux' ? test.concurrent : test.concurrent.skip

onLinux(
  'a process without the api role listens on its admin port and on nothing else',
  async ({ install }) => {
    const installation = await install({ store: 'redis', streams: [convertingStream(STREAM)] })
    const delivery = await installation.start({ roles: 'delivery' })
    expect(await listeningPorts(delivery.pid)).toEqual([delivery.adminPort])
    const api = await installation.start({ roles: 'api' })
    const ports = await listeningPorts(api.pid)
    expect(new Set(ports)).toEqual(new Set([api.port, api.adminPort]))
    expect(ports).toHaveLength(2)
  },
)

test.concurrent(
  'G1, G2, G3: two processes that take records and two that deliver, around Redis and S3, land every record once',
  async ({ install }) => {
    const installation = await install({
      store: 'redis',
      objects: 's3',
      streams: [convertingStream(STREAM, { sizeMiB: 1 })],
    })
    const apis = [await installation.start({ roles: 'api' }), await installation.start({ roles: 'api' })]
    const deliveries = [
      await installation.start({ roles: 'delivery' }),
      await installation.start({ roles: 'delivery' }),
    ]
    const producers = apis.flatMap((_, index) => [
      new Producer(STREAM, `p${index}a`),
      new Producer(STREAM, `p${index}b`),
    ])
    const everyone = [...apis, ...deliveries]
    const producing = Promise.all(
      producers.map(async (producer, index) => {
        const api = apis[index % apis.length] ?? apis[0]
        if (api === undefined) return
        const client = installation.client(api)
        for (let call = 0; call < 12; call += 1) await producer.send(client, 250, { bad: 1, padding: 400 })
      }),
    )
    // The ledger balances in every process at every moment, not only in the end.
    const produced = new AbortController()
    const looking = (async () => {
      let looks = 0
      for (; !produced.signal.aborted; looks += 1)
        for (const process of everyone) await installation.ledger(process, STREAM)
      return looks
    })()
    await producing.finally(() => produced.abort())
    expect(await looking).toBeGreaterThan(0)
    expect(producers.map(({ acknowledged }) => acknowledged.size)).toEqual([3_000, 3_000, 3_000, 3_000])
    const ledgers = await Promise.all(everyone.map((process) => installation.delivered(process, STREAM)))
    for (const ledger of ledgers)
      expect(ledger).toEqual({ accepted: 12_000, delivered: 11_952, failed: 48, dropped: 0, pending: 0 })
    expect(judge(producers, await landedIds(installation))).toEqual([])
    const keys = installation.s3.keys('lake')
    expect(keys.length).toBeGreaterThan(4)
    expect(keys.map((key) => installation.s3.object('lake', key)?.puts)).toEqual(keys.map(() => 1))
  },
)

/** A stop at any moment of a start closes what is open, and what the start opens after it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { createApp, type App } from '../../src/app.ts'
import { parseConfig } from '../../src/config/file.ts'
import { parseRoles } from '../../src/config/roles.ts'
import type { Config } from '../../src/config/schema.ts'
import { neverCrash } from '../../src/runtime/crash-point.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { openLmdbStore } from '../../src/store/lmdb/store.ts'
import { Closers } from '../../src/wiring/closers.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-stop-'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true })
})

function configuration(): Config {
  const path = (name: string): string => JSON.stringify(join(folder, name))
  const loaded = parseConfig(
    `server: { port: 0 }
admin: { port: 0 }
buffer: { type: embedded, path: ${path('buffer')} }
objectStore: { type: file, root: ${path('buckets')} }
convert: { stagingPath: ${path('staging')} }`,
    {},
  )
  if (loaded.kind === 'refused') throw new Error(JSON.stringify(loaded.problems))
  return loaded.config
}

const newApp = (): App =>
  createApp(configuration(), {
    roles: parseRoles('api,delivery,kinesis') ?? new Set(),
    log: createLog('silent'),
    crash: neverCrash,
  })

/** Calls `seen` with the number of things that a start has opened, each time. */
function watchOpening(seen: (opened: number) => void): void {
  const add = Reflect.get(Closers.prototype, 'add')
  let opened = 0
  vi.spyOn(Closers.prototype, 'add').mockImplementation(function (this: Closers, close) {
    add.call(this, close)
    opened += 1
    seen(opened)
  })
}

/** The embedded store is refused while another has it open. */
async function expectStoreClosed(): Promise<void> {
  const { buffer } = configuration()
  if (buffer.type !== 'embedded') throw new Error('it is embedded')
  const store = await openLmdbStore({ ...buffer, clock: systemClock, holder: 'next' })
  await store.close()
}

test('a stop behind each thing that a start opens', { timeout: 60_000 }, async () => {
  let all = 0
  watchOpening((opened) => (all = opened))
  const whole = newApp()
  await whole.start()
  await whole.stop()
  await expectStoreClosed()
  expect(all).toBeGreaterThan(8)

  for (let at = 0; at < all; at += 1) {
    vi.restoreAllMocks()
    const app = newApp()
    let stopped: Promise<void> | undefined
    watchOpening((opened) => {
      if (opened === at) stopped = app.stop()
    })
    const started = app.start()
    const refused = expect(started, `stopped behind ${at} of ${all}`).rejects.toThrow(
      /the process was asked to stop|the store is closed/,
    )
    if (at === 0) stopped = app.stop()
    await refused
    expect(stopped).toBeDefined()
    await stopped
    await expectStoreClosed()
  }
})

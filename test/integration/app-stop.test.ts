/** A stop at any moment of a start closes what is open, and what the start opens after it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog } from '../../src/account/log.ts'
import { createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config/file.ts'
import { parseRoles } from '../../src/config/roles.ts'
import type { Config } from '../../src/config/schema.ts'
import { neverCrash } from '../../src/runtime/crash-point.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { openLmdbStore } from '../../src/store/lmdb/store.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hydrant-stop-'))
})
afterAll(() => rm(folder, { recursive: true }))

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

test('a stop at any moment of a start', { timeout: 120_000 }, async () => {
  const outcomes = new Map<string, number>()
  for (let wait = 0; wait < 60; wait += 1) {
    const app = createApp(configuration(), {
      roles: parseRoles('api,delivery,kinesis') ?? new Set(),
      log: createLog('silent'),
      crash: neverCrash,
    })
    const started = app.start().then(
      () => 'started',
      (error: unknown) => (error instanceof Error ? error.name : String(error)),
    )
    if (wait > 0) await sleep(2 * wait)
    await app.stop()
    const outcome = await started
    expect(['started', 'StoppedError', 'BufferUnavailableError']).toContain(outcome)
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    // It is refused while another has it open.
    const { buffer } = configuration()
    if (buffer.type !== 'embedded') throw new Error('it is embedded')
    const store = await openLmdbStore({ ...buffer, clock: systemClock, holder: 'next' })
    await store.close()
  }
  expect(outcomes.get('StoppedError')).toBeGreaterThan(0)
  expect(outcomes.get('started')).toBeGreaterThan(0)
})

/** The log when nobody can write it. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const script = `
  const { createLog } = await import(${JSON.stringify(new URL('../../src/account/log.ts', import.meta.url).href)})
  const log = createLog('info')
  const before = process.memoryUsage.rss()
  for (let line = 0; line < 20_000; line += 1) log.info({ filler: 'x'.repeat(5_000) }, 'line was lost')
  await new Promise((resolve) => setImmediate(resolve))
  console.log('grown by less than 64 MiB:', process.memoryUsage.rss() - before < 64 * 2 ** 20)
`

test('a log that cannot be written ends no process and fills no memory', async () => {
  // Open for reading only, so that each write fails, as on a full disk.
  const unwritable = openSync(fileURLToPath(import.meta.url), 'r')
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', unwritable] })
  closeSync(unwritable)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  expect(child.stdout === null ? '' : await text(child.stdout)).toBe('grown by less than 64 MiB: true\n')
  expect(await ended).toBe(0)
})

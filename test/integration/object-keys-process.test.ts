/** G2: a key is the same in whichever process, zone and language it is made. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const main = fileURLToPath(new URL('../support/golden-keys.ts', import.meta.url))
const golden = readFileSync(new URL('../fixtures/object-keys.txt', import.meta.url), 'utf8')

test.each([
  { TZ: 'Pacific/Kiritimati', LANG: 'ar_EG.UTF-8', LC_ALL: 'ar_EG.UTF-8', LANGUAGE: 'ar' },
  { TZ: 'America/St_Johns', LANG: 'C', LC_ALL: 'C', LANGUAGE: 'th' },
])('G2: a process in %o makes the same keys', async (env) => {
  const words = ['--import', 'tsx', main, '--print']
  const { stdout } = await promisify(execFile)(process.execPath, words, { env: { ...process.env, ...env } })
  expect(stdout).toBe(golden)
})

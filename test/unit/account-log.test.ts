/** What of an error reaches the log, and what does not. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

const script = `
  const { createLog } = await import(${JSON.stringify(new URL('../../src/account/log.ts', import.meta.url).href)})
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', request: 'canary-41f2' })
  const err = Object.assign(new Error('it failed', { cause }), { kind: 'unavailable', hint: 'wait', retryable: true, record: 'canary-41f2' })
  createLog('info').warn({ err }, 'reading failed')
`

test('an error is logged with its kind, code, hint and causes, and with nothing else of it', () => {
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script]
  const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
  const { err } = JSON.parse(stderr) as { err: object }
  expect(err).toEqual({
    name: 'Error',
    message: 'it failed',
    kind: 'unavailable',
    hint: 'wait',
    retryable: true,
    stack: expect.stringContaining('it failed') as string,
    cause: {
      name: 'Error',
      message: 'refused',
      code: 'ECONNREFUSED',
      stack: expect.stringContaining('refused') as string,
    },
  })
})

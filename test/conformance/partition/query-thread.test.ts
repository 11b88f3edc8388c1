/** The thread of jq leaves nothing behind, however it ends. */
import { expect, test } from 'vitest'
import { QueryThread } from '../../../src/process/jq/query-thread.ts'
import { eventually } from '../../support/eventually.ts'

const PATIENT_MS = 60_000

function threads(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length
}

test('a thread that is given up while it starts is ended', async () => {
  const before = threads()
  const givenUp = new AbortController()
  const starting = QueryThread.start(0, { ms: PATIENT_MS, signal: givenUp.signal })
  expect(threads()).toBeGreaterThan(before)
  givenUp.abort(new Error('the process stops'))
  await expect(starting).rejects.toThrow('the process stops')
  await eventually(() => expect(threads()).toBe(before))
})

test('a thread that has not started in time is ended', async () => {
  const before = threads()
  const signal = new AbortController().signal
  await expect(QueryThread.start(0, { ms: 1, signal })).rejects.toThrow('did not answer within 1 ms')
  await eventually(() => expect(threads()).toBe(before))
})

test('whoever asks a thread that died meanwhile is told at once', async () => {
  const signal = new AbortController().signal
  const thread = await QueryThread.start(0, { ms: PATIENT_MS, signal })
  await thread.end()
  const request = { program: '.', steps: 1n, outputBytes: 1 }
  await expect(thread.ask(request, { ms: PATIENT_MS, signal })).rejects.toThrow('its thread died')
})

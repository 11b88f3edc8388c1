import { expect, test } from 'vitest'
import { Health } from '../../src/account/health.ts'

test('a process is ready once it has started and while its checks pass', async () => {
  const health = new Health()
  let broken: Error | undefined
  health.addCheck('store', () => (broken === undefined ? Promise.resolve() : Promise.reject(broken)))
  expect(await health.readiness()).toEqual({
    ready: false,
    state: 'starting',
    reasons: ['the process is starting'],
  })
  health.started()
  expect(await health.readiness()).toEqual({ ready: true, state: 'ready', reasons: [] })
  broken = new Error('ping redis: connection refused')
  expect(await health.readiness()).toEqual({
    ready: false,
    state: 'ready',
    reasons: ['store: ping redis: connection refused'],
  })
})

test('a stage that reports a reason keeps the process unready until it takes it back', async () => {
  const health = new Health()
  health.started()
  health.report('seal', 'the lease is held by a process that does not renew it')
  expect((await health.readiness()).reasons).toEqual([
    'seal: the lease is held by a process that does not renew it',
  ])
  health.report('seal', undefined)
  expect((await health.readiness()).ready).toBe(true)
})

test('a process that stops is not ready again, and asks nobody any more', async () => {
  const health = new Health()
  let asked = 0
  health.addCheck('store', () => {
    asked += 1
    return Promise.resolve()
  })
  health.stopping()
  health.started()
  expect(await health.readiness()).toEqual({
    ready: false,
    state: 'stopping',
    reasons: ['the process is stopping'],
  })
  expect(asked).toBe(0)
})

test('those who ask at the same time share one round of checks', async () => {
  const health = new Health()
  let asked = 0
  health.addCheck('store', () => {
    asked += 1
    return Promise.resolve()
  })
  health.started()
  await Promise.all([health.readiness(), health.readiness(), health.readiness()])
  expect(asked).toBe(1)
  await health.readiness()
  expect(asked).toBe(2)
})

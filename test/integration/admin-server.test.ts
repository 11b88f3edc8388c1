import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Health } from '../../src/account/health.ts'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import { createAdminServer, type AdminServer } from '../../src/admin/server.ts'
import { StartError } from '../../src/domain/errors.ts'

const running: AdminServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})

async function open(port = 0) {
  const metrics = new Metrics()
  const health = new Health()
  const server = createAdminServer({ host: '127.0.0.1', port, metrics, health, log: createLog('silent') })
  const address = await server.start()
  running.push(server)
  return { metrics, health, server, address, url: `http://${address.host}:${address.port}` }
}

test('metrics are answered as Prometheus text', async () => {
  const { metrics, url } = await open()
  metrics.count('hydrant_rows_total', { delivery_stream: 'orders' }, 50)
  const response = await fetch(`${url}/metrics`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const text = await response.text()
  expect(text).toContain('hydrant_rows_total{delivery_stream="orders"} 50')
  expect(text).toContain('process_resident_memory_bytes')
})

test('a process is alive from the start, but ready only between start and stop and while its store answers', async () => {
  const { health, url } = await open()
  let storeError: Error | undefined
  health.addCheck('store', () => (storeError === undefined ? Promise.resolve() : Promise.reject(storeError)))
  const ask = async () => {
    const response = await fetch(`${url}/readyz`)
    return [response.status, await response.json()]
  }
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  expect(await ask()).toEqual([
    503,
    { status: 'not ready', state: 'starting', reasons: ['the process is starting'] },
  ])
  health.started()
  expect(await ask()).toEqual([200, { status: 'ready', state: 'ready', reasons: [] }])
  storeError = new Error('ping redis: connection refused')
  expect(await ask()).toEqual([
    503,
    { status: 'not ready', state: 'ready', reasons: ['store: ping redis: connection refused'] },
  ])
  health.stopping()
  expect(await ask()).toEqual([
    503,
    { status: 'not ready', state: 'stopping', reasons: ['the process is stopping'] },
  ])
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
})

test('anything else is answered with what there is', async () => {
  const { url } = await open()
  for (const [method, path] of [
    ['GET', '/'],
    ['POST', '/metrics'],
    ['GET', '/metrics/../etc/passwd'],
  ] as const) {
    const response = await fetch(`${url}${path}`, { method })
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('GET /readyz')
  }
})

test('an exposition that fails is answered 500 without a stack', async () => {
  const { metrics, url } = await open()
  metrics.onCollect(() => Promise.reject(new Error('canary-91')))
  const response = await fetch(`${url}/metrics`)
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('canary-91')
})

test('a port that is taken is said in a sentence with what to do', async () => {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const refused = await open(port).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(StartError)
  expect(refused).toMatchObject({ hint: expect.stringContaining('--admin-port') })
  other.close()
  await once(other, 'close')
})

test('stopping closes connections that are kept alive, and may be asked for twice', async () => {
  const { server, url } = await open()
  await (await fetch(`${url}/healthz`)).text()
  await server.stop()
  await server.stop()
  await expect(fetch(`${url}/healthz`)).rejects.toThrow()
})

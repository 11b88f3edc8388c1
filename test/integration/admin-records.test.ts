/** D8: a record id leads to its batch and objects. */
import { afterEach, expect, test } from 'vitest'
import { Health } from '../../src/account/health.ts'
import { createLog } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import { createAdminServer, type AdminServer } from '../../src/admin/server.ts'
import { recordId, recordIdPrefix } from '../../src/domain/record.ts'
import {
  appendIds,
  at,
  expectAppended,
  frameOf,
  outcomeOf,
  planOf,
  describeBatch,
  streamOf,
} from '../conformance/store/fixture.ts'
import { bufferPath, openAt } from '../conformance/store/lmdb-folder.ts'

const CANARY = 'canary-record-4711'
let server: AdminServer | undefined
afterEach(() => server?.stop())

test('a record id leads to the objects of its batch once that is delivered, and shows no record', async () => {
  const stream = streamOf({ bytes: 1 })
  const store = await openAt(bufferPath())
  await store.registry.create(stream)
  const { firstSequence } = await expectAppended(store, stream, [frameOf([CANARY, 'b'])], appendIds()())
  const log = createLog('silent')
  server = createAdminServer({
    host: '127.0.0.1',
    port: 0,
    metrics: new Metrics(),
    health: new Health(),
    log,
  })
  const { port } = await server.start()
  server.openStore({ store, dispatch: () => Promise.resolve() })
  const ask = async (id: string): Promise<[number, string]> => {
    const answer = await fetch(`http://127.0.0.1:${port}/records/${id}`)
    return [answer.status, await answer.text()]
  }
  const id = recordId(recordIdPrefix(stream, firstSequence), 1)

  expect((await ask(id))[0]).toBe(404)

  const ref = at(await store.buffer.sealed(stream, 1), 0)
  const batch = await describeBatch(store, ref)
  await store.buffer.pin(ref, planOf())
  const object = { bucket: 'lake', key: 'orders/1.parquet', bytes: 10, rows: 2, kind: 'data' } as const
  await store.buffer.discard(ref, { ...outcomeOf(batch), objects: [object] })
  const [status, body] = await ask(id)
  expect(status).toBe(200)
  expect(JSON.parse(body)).toMatchObject({
    deliveryStream: stream.name,
    batchId: ref.batchId,
    records: 2,
    delivered: 2,
    objects: [object],
  })
  expect(body).not.toContain(CANARY)

  expect((await ask('not-an-id'))[0]).toBe(400)
  expect((await ask(recordId('00000000000000001.', 0)))[0]).toBe(404)
})

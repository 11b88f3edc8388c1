/** G1, G2: the way out of quarantine, in whole installations: what the log says to do is what helps. */
import { expect } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { judge, Producer } from '../support/producer.ts'
import { convertingStream } from './declarations.ts'
import { test } from './installation.ts'
import { rowsByTwoReaders } from './two-readers.ts'

const STREAM = 'orders-to-s3'
const signed = { authorization: 'AWS4-HMAC-SHA256 anybody' }

for (const store of ['embedded', 'redis'] as const) {
  test.concurrent(
    `G1, G2: ${store}: a batch quarantined by a collision lands once, after the other object is gone and the request in the log was sent`,
    async ({ install }) => {
      const installation = await install({ store, objects: 's3', streams: [convertingStream(STREAM)] })
      const first = await installation.start({ crashAt: 'after-put' })
      const producer = new Producer(STREAM)
      await producer.send(installation.client(first), 40)
      await first.ended
      const [key = ''] = installation.s3.keys('lake')
      const object = `${installation.s3.endpoint}/lake/${key}`
      await fetch(object, {
        method: 'PUT',
        headers: { ...signed, 'x-amz-meta-owner': 'another' },
        body: 'theirs',
      })

      const process = await installation.start()
      const hint = await eventually(() => {
        const line = process.log.split('\n').find((text) => text.includes('"batch quarantined"'))
        return (JSON.parse(line ?? '') as { readonly hint: string }).hint
      })
      const [, path] = /curl -X POST http:\/\/<admin host:port>(\S+)/.exec(hint) ?? []
      const admin = `http://127.0.0.1:${process.adminPort}`
      const listed = await (await fetch(`${admin}/quarantine`)).json()
      expect(listed).toMatchObject({
        quarantined: [{ deliveryStream: STREAM, records: 40, release: `POST ${path}` }],
        more: false,
      })

      expect((await fetch(object, { method: 'DELETE', headers: signed })).ok).toBe(true)
      expect((await fetch(`${admin}${path}`, { method: 'POST' })).status).toBe(200)
      const ledger = await installation.delivered(process, STREAM)
      expect(ledger).toEqual({ accepted: 40, delivered: 40, failed: 0, dropped: 0, pending: 0 })
      expect(installation.s3.keys('lake')).toEqual([key])
      const rows = await rowsByTwoReaders(await installation.objects())
      expect(
        judge(
          [producer],
          rows.map((row) => String(row['order_id'])),
        ),
      ).toEqual([])
    },
  )
}

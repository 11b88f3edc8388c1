/**
 * A transform over HTTP that answers otherwise each time it is called: what it drops, what it fails, the keys it names and
 * what it writes into an order all depend on the number of the call. Whoever asked twice and used both would be found out.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface MoodyServer {
  readonly url: string
  readonly calls: number
  close(): Promise<void>
}

interface Order {
  readonly order_id: string
}

export const MOODS = 3
export const SHOPS = 5

export async function startMoodyServer(): Promise<MoodyServer> {
  let calls = 0
  const server = createServer((request, response) => {
    calls += 1
    answer(request, calls).then(
      (body) => response.setHeader('content-type', 'application/json').end(body),
      (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/orders`,
    get calls() {
      return calls
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(request: IncomingMessage, call: number): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const event = JSON.parse(Buffer.concat(chunks).toString()) as {
    readonly records: readonly { readonly recordId: string; readonly data: string }[]
  }
  return JSON.stringify({ records: event.records.map(({ recordId, data }) => judged(recordId, data, call)) })
}

function judged(recordId: string, data: string, call: number): object {
  const order = JSON.parse(Buffer.from(data, 'base64').toString()) as Order
  const number = Number(order.order_id.split('-').at(-1))
  const mood = (number + call) % 20
  if (mood === 0) return { recordId, result: 'Dropped' }
  if (mood === 1) return { recordId, result: 'ProcessingFailed', data }
  // Without a shop it has no partition.
  const shop = mood === 2 ? {} : { shop: `s${(number * call) % SHOPS}` }
  const made = JSON.stringify({ ...order, ...shop, answered: call })
  return {
    recordId,
    result: 'Ok',
    data: Buffer.from(made).toString('base64'),
    metadata: { partitionKeys: { mood: `m${call % MOODS}` } },
  }
}

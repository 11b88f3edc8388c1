/** A transform by HTTP for tests: a server that answers every request as it is told. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HttpTransform {
  readonly url: string
  readonly port: number
  /** In order: method, path, headers and body. */
  readonly asked: readonly AskedOfTransform[]
  /** Connections. */
  readonly open: number
  /** Closes the connections that no request uses. */
  closeIdle(): void
  close(): Promise<void>
}

export interface AskedOfTransform {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export async function startHttpTransform(
  answer: (body: string, response: ServerResponse, request: IncomingMessage) => void | Promise<void>,
  host = '127.0.0.1',
): Promise<HttpTransform> {
  const asked: AskedOfTransform[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const { method = '', url = '', headers } = request
    asked.push({ method, path: url, headers, body })
    await answer(body, response, request)
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  let open = 0
  server.on('connection', (socket) => {
    open += 1
    socket.on('close', () => (open -= 1))
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    asked,
    get open() {
      return open
    },
    closeIdle: () => server.closeIdleConnections(),
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

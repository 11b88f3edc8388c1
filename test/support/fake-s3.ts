/**
 * A small, strict S3 for tests: conditional puts, checksums, real error answers, and faults on request. It refuses what a
 * careless store takes in silence: a body without its length, framing that is not what it says, a request without
 * signature (whose value is not checked). Buckets and the index of objects are in memory; bodies too, unless there is a folder.
 */
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { errorAnswer, listing, refusal, send, type Answer, type Target } from './fake-s3-answers.ts'
import { readAll, receiveBody, S3Refusal, type ReceivedBody } from './fake-s3-body.ts'
import { FaultPlan, type Fault } from './fake-s3-faults.ts'

export { faults, type Fault } from './fake-s3-faults.ts'

export interface FakeS3Options {
  /** Default: any free one. */
  readonly port?: number
  /** Bodies go there. */
  readonly folder?: string
  /** Bodies go nowhere: lengths and metadata are kept, GET answers 410. */
  readonly discard?: boolean
  readonly buckets?: readonly string[]
  /** A store that answers 501 to If-None-Match. */
  readonly noConditional?: boolean
}

interface StoredObject extends ReceivedBody {
  readonly metadata: Readonly<Record<string, string>>
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly etag: string
  /** How often this key was stored. */
  readonly puts: number
}

interface SeenRequest {
  readonly method: string
  readonly bucket: string
  readonly key: string
  /** As it stood in the request line. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

export interface FakeS3 {
  readonly endpoint: string
  readonly port: number
  /** Every request, oldest first; none while bodies are discarded. */
  readonly requests: SeenRequest[]
  createBucket(name: string): void
  keys(bucket: string): readonly string[]
  object(bucket: string, key: string): StoredObject | undefined
  fail(fault: Fault): void
  clearFaults(): void
  /** Cuts what is open. */
  close(): Promise<void>
}

export async function startFakeS3(options: FakeS3Options = {}): Promise<FakeS3> {
  if (options.folder !== undefined) await mkdir(options.folder, { recursive: true })
  const store = new FakeStore(options)
  for (const bucket of options.buckets ?? []) store.createBucket(bucket)
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    store.serve(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(store, { endpoint: `http://127.0.0.1:${port}`, port, close: () => close(server) })
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}

class FakeStore {
  readonly requests: SeenRequest[] = []
  readonly #options: FakeS3Options
  readonly #buckets = new Map<string, Map<string, StoredObject>>()
  readonly #faults = new FaultPlan()
  #bodies = 0

  constructor(options: FakeS3Options) {
    this.#options = options
  }

  createBucket(name: string): void {
    if (!this.#buckets.has(name)) this.#buckets.set(name, new Map())
  }

  keys(bucket: string): readonly string[] {
    return [...(this.#buckets.get(bucket)?.keys() ?? [])].toSorted()
  }

  object(bucket: string, key: string): StoredObject | undefined {
    return this.#buckets.get(bucket)?.get(key)
  }

  fail(fault: Fault): void {
    this.#faults.add(fault)
  }

  clearFaults(): void {
    this.#faults.clear()
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = targetOf(request)
    if (target.bucket === '-') {
      await this.#control(request, response)
      return
    }
    const { method = '', url = '', headers } = request
    if (this.#options.discard !== true) this.requests.push({ method, ...target, url, headers })
    const fault = this.#faults.take(method, target)
    const answer =
      fault?.at === 'before' && fault.does.kind !== 'delay'
        ? (await readAll(request), { status: 500 })
        : await this.#answer(request, target).catch((error: unknown) => refusal(error, target))
    if (fault === undefined) send(request, response, answer)
    else await misbehave(fault, request, response, answer, target)
  }

  /** Faults from another process: POST a Fault to /-/faults, DELETE forgets them. */
  async #control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request)
    if (request.method === 'POST') this.fail(JSON.parse(body.toString()) as Fault)
    else this.clearFaults()
    response.writeHead(204).end()
  }

  async #answer(request: IncomingMessage, target: Target): Promise<Answer> {
    const { bucket, key, query } = target
    if (request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') !== true) {
      await readAll(request)
      throw new S3Refusal(403, 'AccessDenied', 'Anonymous access is forbidden')
    }
    if (request.method === 'PUT' && key !== '') return await this.#put(request, target)
    await readAll(request)
    if (request.method === 'PUT') {
      this.createBucket(bucket)
      return { status: 200, headers: { location: `/${bucket}` } }
    }
    const objects = this.#objects(bucket)
    if (request.method === 'DELETE' && key !== '') {
      objects.delete(key)
      return { status: 204 }
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new S3Refusal(405, 'MethodNotAllowed')
    if (key !== '') return this.#get(objects.get(key), request.method)
    if (request.method === 'HEAD') return { status: 200, headers: { 'x-amz-bucket-region': 'us-east-1' } }
    return {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: listing(bucket, this.keys(bucket), query),
    }
  }

  #objects(bucket: string): Map<string, StoredObject> {
    const objects = this.#buckets.get(bucket)
    if (objects === undefined) throw new S3Refusal(404, 'NoSuchBucket', 'The specified bucket does not exist')
    return objects
  }

  async #put(request: IncomingMessage, { bucket, key }: Target): Promise<Answer> {
    const { headers } = request
    const { folder, discard, noConditional } = this.#options
    this.#bodies += 1
    const path = folder === undefined ? undefined : join(folder, `${this.#bodies}.body`)
    const body = await receiveBody(
      request,
      discard === true ? 'nowhere' : path === undefined ? 'memory' : { path },
    )
    const objects = this.#objects(bucket)
    if (Buffer.byteLength(key) > 1024) throw new S3Refusal(400, 'KeyTooLongError')
    const condition = headers['if-none-match']
    if (condition !== undefined && noConditional === true) throw new S3Refusal(501, 'NotImplemented')
    const before = objects.get(key)
    if (condition === '*' && before !== undefined) throw new S3Refusal(412, 'PreconditionFailed')
    const etag = `"${createHash('md5')
      .update(body.bytes ?? String(this.#bodies))
      .digest('hex')}"`
    const encoding = headers['content-encoding']?.replace(/,?\s*aws-chunked/, '')
    objects.set(key, {
      ...body,
      metadata: metadataOf(headers),
      contentType: headers['content-type'],
      contentEncoding: encoding === '' ? undefined : encoding,
      etag,
      puts: (before?.puts ?? 0) + 1,
    })
    return { status: 200, headers: { etag } }
  }

  #get(object: StoredObject | undefined, method: string): Answer {
    if (object === undefined) throw new S3Refusal(404, 'NoSuchKey', 'The specified key does not exist.')
    const headers: Record<string, string> = { etag: object.etag, 'content-length': String(object.length) }
    for (const [name, value] of Object.entries(object.metadata)) headers[`x-amz-meta-${name}`] = value
    if (object.contentType !== undefined) headers['content-type'] = object.contentType
    if (object.contentEncoding !== undefined) headers['content-encoding'] = object.contentEncoding
    if (method === 'HEAD') return { status: 200, headers }
    if (object.path !== undefined) return { status: 200, headers, body: { path: object.path } }
    if (object.bytes === undefined) throw new S3Refusal(410, 'Gone', 'bodies are discarded')
    return { status: 200, headers, body: object.bytes }
  }
}

/** Path style, or virtual-host style on any name below `localhost`. */
function targetOf(request: IncomingMessage): Target {
  const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s)
  const parts = path.slice(1).split('/')
  const virtual = /^(.+)\.localhost(?::\d+)?$/.exec(request.headers.host ?? '')?.[1]
  const bucket = virtual ?? parts.shift() ?? ''
  return { bucket, key: decodeURIComponent(parts.join('/')), query: new URLSearchParams(query) }
}

function metadataOf(headers: IncomingHttpHeaders): Record<string, string> {
  const prefix = 'x-amz-meta-'
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), String(value)]),
  )
}

async function misbehave(
  { does }: Fault,
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  target: Target,
): Promise<void> {
  switch (does.kind) {
    case 'answer':
      if (does.code === undefined) send(request, response, { status: does.status, body: 'not XML' })
      else send(request, response, errorAnswer(does.status, does.code, does.code, target))
      break
    case 'cut':
      request.socket.destroy()
      break
    case 'hang':
      break
    case 'delay':
      await wait(does.ms)
      send(request, response, answer)
  }
}

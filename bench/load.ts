/**
 * The load generator: a process of its own that sends prebuilt requests over raw sockets, so that it costs little.
 *
 * usage: tsx bench/load.ts '{"port":4573,"stream":"orders","operation":"PutRecordBatch","connections":8,"seconds":60,"records":500,"badShare":0}'
 * Prints one JSON line: what was acknowledged, latencies in ms, and its own CPU seconds.
 */
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { signedRequest } from '../test/support/signed-requests.ts'
import { badOrder, order, seeded } from './orders.ts'

export interface LoadOptions {
  readonly port: number
  readonly stream: string
  readonly operation: 'PutRecord' | 'PutRecordBatch'
  readonly connections: number
  readonly seconds: number
  /** Records in a PutRecordBatch. */
  readonly records: number
  /** Share of records that cannot be converted. */
  readonly badShare: number
  /** Most records a second; 0 means as fast as answers come. */
  readonly recordsPerSecond?: number
  /** Sign the requests with this credential. */
  readonly credential?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

export interface LoadReport {
  readonly requests: number
  readonly records: number
  readonly recordBytes: number
  readonly throttled: number
  readonly failed: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const DISTINCT_REQUESTS = 48
/** A signature holds for five minutes. */
const SIGNED_AGAIN_MS = 120_000

interface Prebuilt {
  readonly bytes: Buffer
  readonly recordBytes: number
}

async function prebuild(options: LoadOptions, seed: number): Promise<Prebuilt> {
  const { port, stream, operation, records, badShare } = options
  const random = seeded(seed)
  const count = operation === 'PutRecord' ? 1 : records
  const texts = Array.from({ length: count }, (_, index) =>
    random() < badShare ? badOrder(index, order(index, random)) : order(seed * 1_000 + index, random),
  )
  const data = texts.map((text) => ({ Data: Buffer.from(text).toString('base64') }))
  const body = JSON.stringify(
    operation === 'PutRecord'
      ? { DeliveryStreamName: stream, Record: data[0] }
      : { DeliveryStreamName: stream, Records: data },
  )
  const headers = {
    host: `127.0.0.1:${port}`,
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `Firehose_20150804.${operation}`,
    ...(options.credential === undefined
      ? {}
      : (await signedRequest({ port, operation, body, credential: options.credential })).headers),
    'content-length': Buffer.byteLength(body),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const head = ['POST / HTTP/1.1', ...lines, '', ''].join('\r\n')
  return {
    bytes: Buffer.from(head + body),
    recordBytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
  }
}

/** One connection: sends, waits for the whole answer, hands its status and the start of its body over. */
class Connection {
  readonly #socket: Socket
  #head: Buffer = Buffer.alloc(0)
  #bodyLeft = -1
  #start = ''
  #resolve: ((answer: { status: number; start: string }) => void) | undefined
  #status = 0

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.setNoDelay(true)
    this.#socket.on('data', (bytes) => this.#take(bytes))
    this.#socket.on('error', (error) => {
      process.stderr.write(`load: ${error.message}\n`)
      process.exit(1)
    })
  }

  send(request: Buffer): Promise<{ status: number; start: string }> {
    this.#socket.write(request)
    return new Promise((resolve) => (this.#resolve = resolve))
  }

  #take(bytes: Buffer): void {
    let body = bytes
    if (this.#bodyLeft < 0) {
      this.#head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes])
      const end = this.#head.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = this.#head.toString('latin1', 0, end)
      this.#status = Number(head.slice(9, 12))
      this.#bodyLeft = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      body = this.#head.subarray(end + 4)
      this.#start = body.toString('latin1', 0, 64)
      this.#head = Buffer.alloc(0)
    }
    this.#bodyLeft -= body.length
    if (this.#bodyLeft > 0) return
    this.#bodyLeft = -1
    this.#resolve?.({ status: this.#status, start: this.#start })
  }

  close(): void {
    this.#socket.destroy()
  }
}

export async function load(options: LoadOptions): Promise<LoadReport> {
  const build = (): Promise<Prebuilt[]> =>
    Promise.all(Array.from({ length: DISTINCT_REQUESTS }, (_, index) => prebuild(options, index + 1)))
  let requests = await build()
  const perRequest = options.operation === 'PutRecord' ? 1 : options.records
  const connections = Array.from({ length: options.connections }, () => new Connection(options.port))
  const latencies: number[] = []
  let acknowledged = 0
  let recordBytes = 0
  let throttled = 0
  let failed = 0
  let sent = 0
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  const endMs = startMs + options.seconds * 1000

  const drive = async (connection: Connection): Promise<void> => {
    while (performance.now() < endMs) {
      if (options.recordsPerSecond) {
        const dueMs = startMs + ((sent * perRequest) / options.recordsPerSecond) * 1000
        const waitMs = dueMs - performance.now()
        if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs))
      }
      const request = requests[sent % requests.length]
      if (request === undefined) throw new Error('no request was built')
      sent += 1
      const sentMs = performance.now()
      const { status, start } = await connection.send(request.bytes)
      latencies.push(performance.now() - sentMs)
      if (status === 200 && (options.operation === 'PutRecord' || start.includes('"FailedPutCount":0'))) {
        acknowledged += perRequest
        recordBytes += request.recordBytes
      } else if (status === 200 || status === 503) {
        throttled += perRequest
        await new Promise((resolve) => setTimeout(resolve, 50))
      } else failed += perRequest
    }
  }
  const signAgain = setInterval(() => {
    if (options.credential !== undefined) void build().then((built) => (requests = built))
  }, SIGNED_AGAIN_MS)
  await Promise.all(connections.map(drive))
  clearInterval(signAgain)
  const seconds = (performance.now() - startMs) / 1000
  const used = process.cpuUsage(cpu)
  for (const connection of connections) connection.close()
  latencies.sort((a, b) => a - b)
  const quantile = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0
  return {
    requests: latencies.length,
    records: acknowledged,
    recordBytes,
    throttled,
    failed,
    seconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
  }
}

if (process.argv[1]?.endsWith('load.ts')) {
  const report = await load(JSON.parse(process.argv[2] ?? '{}') as LoadOptions)
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

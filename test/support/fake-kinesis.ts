/**
 * A Kinesis for benchmarks, light enough to share a machine with what is measured: one data stream whose shards hold
 * synthetic orders, served from prebuilt bytes. It knows what a reader asks (DescribeStream, ListShards, GetShardIterator,
 * GetRecords), checks no signature, and limits nothing. Each shard holds `recordsPerShard`, all at once or as they come in.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AnswerRing } from './fake-kinesis-answers.ts'

export interface FakeKinesisOptions {
  /** Default: any free one. */
  readonly port?: number
  readonly shards: number
  readonly recordsPerShard: number
  /** At most in one answer, as on AWS. Default: 10,000. */
  readonly recordsPerAnswer?: number
  /** Bytes that each order has beyond its 190 or so. Default: 0. */
  readonly paddingBytes?: number
  /** Records that come into each shard a second. Default: all are there from the start. */
  readonly recordsPerSecond?: number
  /** The shards are empty until `release`. Default: false. */
  readonly isHeld?: boolean
}

/** What it served so far, and what that cost. */
export interface FakeKinesisCost {
  readonly reads: number
  readonly emptyReads: number
  readonly records: number
  readonly bytes: number
  /** Of this process, since the shards were released. */
  readonly cpuSeconds: number
  /** Every record was served at least once. */
  readonly isServed: boolean
  /** Epoch ms; 0 while nothing was served. */
  readonly firstAtMs: number
  readonly lastAtMs: number
}

export interface FakeKinesis {
  readonly endpoint: string
  readonly port: number
  readonly arn: string
  /** Records become available from now on. */
  release(): void
  cost(): FakeKinesisCost
  close(): Promise<void>
}

export async function startFakeKinesis(options: FakeKinesisOptions): Promise<FakeKinesis> {
  const stream = new FakeStream(options)
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    serve(stream, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(stream, { port, endpoint: `http://127.0.0.1:${port}`, close: () => close(server) })
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

type Input = Readonly<Record<string, unknown>>

/** A refusal of Kinesis. */
class Refusal extends Error {
  readonly type: string
  constructor(type: string, message: string) {
    super(message)
    this.type = type
  }
}

async function serve(stream: FakeStream, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const part of request) body += String(part)
  // Beside the API, for whoever measures.
  if (request.url === '/-/cost') return sendJson(response, 200, stream.cost())
  if (request.url === '/-/release') return sendJson(response, 200, stream.release())
  const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '')
  try {
    const input = JSON.parse(body) as Input
    if (operation === 'GetRecords') stream.getRecords(input, response)
    else sendJson(response, 200, stream.answer(operation, input))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    sendJson(response, 400, { __type: error.type, message: error.message })
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value ?? {}))
  response.writeHead(status, { 'content-type': JSON_TYPE, 'content-length': body.length }).end(body)
}

const JSON_TYPE = 'application/x-amz-json-1.1'
const SHARDS_PER_PAGE = 1_000
const TAIL = Buffer.from(']}')

class FakeStream {
  readonly arn = 'arn:aws:kinesis:us-east-1:000000000000:stream/bench'
  readonly #ring: AnswerRing
  readonly #options: FakeKinesisOptions
  readonly #perAnswer: number
  readonly #createdSeconds = Math.floor(Date.now() / 1000)
  /** The position after the last record that was served, by shard. */
  readonly #served: Float64Array
  #releasedMs: number | undefined
  #startCpu = process.cpuUsage()
  #cost = { reads: 0, emptyReads: 0, records: 0, bytes: 0, firstAtMs: 0, lastAtMs: 0 }

  constructor(options: FakeKinesisOptions) {
    this.#options = options
    this.#perAnswer = options.recordsPerAnswer ?? 10_000
    this.#ring = new AnswerRing({
      perAnswer: this.#perAnswer,
      shards: options.shards,
      templates: 4,
      padding: options.paddingBytes ?? 0,
    })
    this.#served = new Float64Array(options.shards)
    if (options.isHeld !== true) this.release()
  }

  release(): void {
    this.#releasedMs = performance.now()
    this.#startCpu = process.cpuUsage()
  }

  cost(): FakeKinesisCost {
    const { user, system } = process.cpuUsage(this.#startCpu)
    const isServed = this.#served.every((position) => position >= this.#options.recordsPerShard)
    return { ...this.#cost, cpuSeconds: (user + system) / 1e6, isServed }
  }

  answer(operation: string, input: Input): unknown {
    if (operation === 'DescribeStream') return this.#describe()
    if (operation === 'ListShards') return this.#listShards(input)
    if (operation === 'GetShardIterator') return this.#iterator(input)
    throw new Refusal('UnknownOperationException', `${operation} is not served here`)
  }

  #describe(): unknown {
    return {
      StreamDescription: {
        StreamName: 'bench',
        StreamARN: this.arn,
        StreamStatus: 'ACTIVE',
        StreamCreationTimestamp: this.#createdSeconds,
        RetentionPeriodHours: 24,
        EnhancedMonitoring: [],
        Shards: [this.#shard(0)],
        HasMoreShards: this.#options.shards > 1,
      },
    }
  }

  #listShards({ NextToken: token, MaxResults: limit }: Input): unknown {
    const first = token === undefined ? 0 : Number(token)
    const size = Math.min(typeof limit === 'number' ? limit : SHARDS_PER_PAGE, this.#options.shards - first)
    const next = first + size
    return {
      Shards: Array.from({ length: size }, (_, index) => this.#shard(first + index)),
      ...(next < this.#options.shards ? { NextToken: String(next) } : {}),
    }
  }

  #shard(index: number): unknown {
    const keys = 2n ** 128n
    const count = BigInt(this.#options.shards)
    return {
      ShardId: `shardId-${String(index).padStart(12, '0')}`,
      HashKeyRange: {
        StartingHashKey: String((keys * BigInt(index)) / count),
        EndingHashKey: String((keys * BigInt(index + 1)) / count - 1n),
      },
      SequenceNumberRange: { StartingSequenceNumber: '1' },
    }
  }

  #iterator({ ShardId: id, ShardIteratorType: type, StartingSequenceNumber: number }: Input): unknown {
    const shard = Number(/^shardId-(\d{12})$/.exec(String(id))?.[1] ?? -1)
    if (shard < 0 || shard >= this.#options.shards)
      throw new Refusal('ResourceNotFoundException', `Shard ${String(id)} does not exist`)
    if (type === 'TRIM_HORIZON' || type === 'AT_TIMESTAMP') return { ShardIterator: `${shard}:0` }
    if (type === 'LATEST') return { ShardIterator: `${shard}:${this.#available()}` }
    const position = this.#ring.positionOf(String(number))
    if (position === undefined)
      throw new Refusal('InvalidArgumentException', `StartingSequenceNumber ${String(number)} is invalid`)
    return { ShardIterator: `${shard}:${type === 'AFTER_SEQUENCE_NUMBER' ? position + 1 : position}` }
  }

  /** Records that a shard has by now. */
  #available(): number {
    const { recordsPerShard, recordsPerSecond } = this.#options
    if (this.#releasedMs === undefined) return 0
    if (recordsPerSecond === undefined) return recordsPerShard
    const seconds = (performance.now() - this.#releasedMs) / 1000
    return Math.min(recordsPerShard, Math.floor(seconds * recordsPerSecond))
  }

  /** Up to the end of the prebuilt answer in which the iterator stands. */
  getRecords({ ShardIterator: iterator, Limit: limit }: Input, response: ServerResponse): void {
    const [shard, position] = this.#placeOf(iterator)
    const available = this.#available()
    const answer = Math.floor(position / this.#perAnswer)
    const from = position % this.#perAnswer
    const most = Math.min(this.#perAnswer - from, typeof limit === 'number' ? limit : Infinity)
    const count = Math.max(0, Math.min(most, available - position))
    const next = position + count
    const behindMs = next < available ? 1 + Math.ceil((available - next) / 10) : 0
    const head = Buffer.from(
      `{"NextShardIterator":"${shard}:${next}","MillisBehindLatest":${behindMs},"Records":[`,
    )
    const records = count === 0 ? undefined : this.#ring.prepare(shard, answer, from, from + count)
    const length = head.length + (records?.bytes.length ?? 0) + TAIL.length
    response.writeHead(200, { 'content-type': JSON_TYPE, 'content-length': length })
    response.cork()
    response.write(head)
    if (records !== undefined) response.write(records.bytes)
    response.end(TAIL)
    response.uncork()
    // Closed, finished or not: nothing reads the bytes any more.
    if (records !== undefined) response.once('close', () => records.giveBack())
    this.#count(shard, next, count, length)
  }

  #placeOf(iterator: unknown): readonly [shard: number, position: number] {
    const found = /^(\d+):(\d+)$/.exec(String(iterator))
    const shard = Number(found?.[1])
    if (found === null || shard >= this.#options.shards)
      throw new Refusal('InvalidArgumentException', `Invalid ShardIterator ${String(iterator)}`)
    return [shard, Number(found[2])]
  }

  #count(shard: number, next: number, records: number, bytes: number): void {
    const cost = this.#cost
    cost.reads += 1
    cost.bytes += bytes
    cost.records += records
    if (records === 0) cost.emptyReads += 1
    else {
      cost.lastAtMs = Date.now()
      if (cost.firstAtMs === 0) cost.firstAtMs = cost.lastAtMs
      this.#served[shard] = Math.max(this.#served[shard] ?? 0, next)
    }
  }
}

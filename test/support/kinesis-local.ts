/**
 * A Kinesis for tests: kinesis-local as a process of its own, or the server that KINESIS_ENDPOINT names; and data streams
 * on it that tests write to, split, merge, delete and make again. All of that with the SDK, never with code under test.
 *
 * kinesis-local takes longer for a put the more records the shard has: some thousand in a shard are many. Tests that need
 * more use several shards, or aggregates.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  ListStreamsCommand,
  MergeShardsCommand,
  PutRecordsCommand,
  ResourceNotFoundException,
  SplitShardCommand,
  type _Record,
  type PutRecordsRequestEntry,
  type Shard,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { eventually } from './eventually.ts'

const require = createRequire(import.meta.url)

export const kinesisRegion = process.env['AWS_REGION'] ?? 'us-east-1'
export const kinesisCredentials = {
  accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? 'test',
  secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? 'test',
}

export interface KinesisLocalOptions {
  /** How long creating, splitting, merging and deleting take. Default: 20. */
  readonly changeMs?: number
}

export interface KinesisServer {
  readonly endpoint: string
  /** False for the server of KINESIS_ENDPOINT, which differs from kinesis-local where that differs from AWS. */
  readonly isLocal: boolean
  readonly client: KinesisClient
  /** Kills the process with all that it holds; a server of KINESIS_ENDPOINT is left alone. */
  stop(): Promise<void>
}

/** A client of tests: HTTP/1.1, one attempt. */
export function kinesisClient(endpoint: string): KinesisClient {
  return new KinesisClient({
    endpoint,
    region: kinesisRegion,
    credentials: kinesisCredentials,
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ connectionTimeout: 5_000, requestTimeout: 30_000 }),
  })
}

// None outlives the process of its test; a killed test cannot tell, so that they also end with the pipe to it.
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
const END_WITH_PIPE = 'data:text/javascript,process.stdin.on("end",()=>process.exit()).resume()'

/** Takes a second or so. */
export async function startKinesis(options: KinesisLocalOptions = {}): Promise<KinesisServer> {
  const named = process.env['KINESIS_ENDPOINT']
  if (named !== undefined) {
    const client = kinesisClient(named)
    return { endpoint: named, isLocal: false, client, stop: async () => client.destroy() }
  }
  const port = await freePort()
  const child = await spawnKinesisLocal(port, options)
  const endpoint = `http://127.0.0.1:${port}`
  const client = kinesisClient(endpoint)
  const stop = async (): Promise<void> => {
    client.destroy()
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  try {
    await ready(child, client)
  } catch (error) {
    await stop()
    throw error
  }
  return { endpoint, isLocal: true, client, stop }
}

async function spawnKinesisLocal(
  port: number,
  { changeMs = 20 }: KinesisLocalOptions,
): Promise<ChildProcess> {
  const main = require.resolve('kinesis-local')
  const changes = ['CREATE_STREAM', 'DELETE_STREAM', 'SPLIT_SHARD', 'MERGE_SHARDS', 'UPDATE_SHARD_COUNT']
  const child = spawn(process.execPath, ['--import', END_WITH_PIPE, main], {
    // It reads its certificate from there.
    cwd: dirname(main),
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      KINESIS_MOCK_PLAIN_PORT: String(port),
      KINESIS_MOCK_TLS_PORT: String(await freePort()),
      SHARD_LIMIT: '100000',
      AWS_REGION: kinesisRegion,
      LOG_LEVEL: 'ERROR',
      ...Object.fromEntries(changes.map((name) => [`${name}_DURATION`, `${changeMs}ms`])),
    },
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

async function ready(child: ChildProcess, client: KinesisClient): Promise<void> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`kinesis-local: it ended with ${String(code)} instead of listening`)
  })
  await Promise.race([ended, eventually(() => client.send(new ListStreamsCommand({})), 30_000)])
  ended.catch(() => {})
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free TCP port')
  return address.port
}

let streams = 0

/** A new data stream, ACTIVE, under a name that no other test uses unless one is given. */
export async function createDataStream(
  server: KinesisServer,
  { shards = 1, name = `orders-${process.pid}-${(streams += 1)}` }: { shards?: number; name?: string } = {},
): Promise<TestDataStream> {
  await server.client.send(new CreateStreamCommand({ StreamName: name, ShardCount: shards }))
  return new TestDataStream(server.client, name, await activeArn(server.client, name))
}

async function activeArn(client: KinesisClient, name: string): Promise<string> {
  return eventually(async () => {
    const answer = await client.send(new DescribeStreamCommand({ StreamName: name, Limit: 1 }))
    const { StreamStatus: status, StreamARN: arn } = answer.StreamDescription ?? {}
    if (status !== 'ACTIVE' || arn === undefined) throw new Error(`${name} is ${String(status)}`)
    return arn
  })
}

/** Where a record went. */
export interface Placed {
  readonly shardId: string
  readonly sequenceNumber: string
}

export class TestDataStream {
  readonly name: string
  readonly arn: string
  readonly #client: KinesisClient

  constructor(client: KinesisClient, name: string, arn: string) {
    this.#client = client
    this.name = name
    this.arn = arn
  }

  /** One PutRecords, at most 500 records. Answers in their order where each went; rejects when one is refused. */
  async put(records: readonly PutRecordsRequestEntry[]): Promise<readonly Placed[]> {
    const command = new PutRecordsCommand({ StreamARN: this.arn, Records: [...records] })
    const { Records: answers = [] } = await this.#client.send(command)
    return answers.map(({ ShardId: shardId, SequenceNumber: sequenceNumber, ErrorCode }) => {
      if (shardId === undefined || sequenceNumber === undefined) throw new Error(`put: ${String(ErrorCode)}`)
      return { shardId, sequenceNumber }
    })
  }

  /** Texts as records, all into one shard where one is given. */
  async putTexts(texts: readonly string[], into?: Shard): Promise<readonly Placed[]> {
    const ExplicitHashKey = into?.HashKeyRange?.StartingHashKey
    return this.put(
      texts.map((text, index) => ({
        Data: Buffer.from(text),
        PartitionKey: `key-${index}`,
        ...(ExplicitHashKey === undefined ? {} : { ExplicitHashKey }),
      })),
    )
  }

  /** All that are listed, in the order of their ids. */
  async shards(): Promise<readonly Shard[]> {
    const shards: Shard[] = []
    let NextToken: string | undefined
    do {
      const command = new ListShardsCommand(NextToken === undefined ? { StreamARN: this.arn } : { NextToken })
      const page = await this.#client.send(command)
      shards.push(...(page.Shards ?? []))
      NextToken = page.NextToken
    } while (NextToken !== undefined)
    return shards.sort((a, b) => String(a.ShardId).localeCompare(String(b.ShardId)))
  }

  /** By the number in its id. */
  async shard(number = 0): Promise<Shard> {
    const shards = await this.shards()
    const found = shards.find(({ ShardId: id = '' }) => Number(id.slice('shardId-'.length)) === number)
    if (found === undefined) throw new Error(`${this.name} has no shard ${number}`)
    return found
  }

  async openShards(): Promise<readonly Shard[]> {
    const shards = await this.shards()
    return shards.filter(({ SequenceNumberRange: range }) => range?.EndingSequenceNumber === undefined)
  }

  /** Splits a shard in the middle of its hash keys and answers its two children. */
  async split(shard: Shard): Promise<readonly [left: Shard, right: Shard]> {
    const first = BigInt(String(shard.HashKeyRange?.StartingHashKey))
    const last = BigInt(String(shard.HashKeyRange?.EndingHashKey))
    const command = new SplitShardCommand({
      StreamARN: this.arn,
      ShardToSplit: shard.ShardId,
      NewStartingHashKey: String((first + last) / 2n + 1n),
    })
    await this.#client.send(command)
    const [left, right] = await this.#children(shard)
    if (left === undefined || right === undefined) throw new Error(`split ${shard.ShardId}: no children`)
    return [left, right]
  }

  /** Merges two neighbours and answers their child. */
  async merge(shard: Shard, adjacent: Shard): Promise<Shard> {
    const command = new MergeShardsCommand({
      StreamARN: this.arn,
      ShardToMerge: shard.ShardId,
      AdjacentShardToMerge: adjacent.ShardId,
    })
    await this.#client.send(command)
    const [child] = await this.#children(shard)
    if (child === undefined) throw new Error(`merge ${shard.ShardId}: no child`)
    return child
  }

  async #children({ ShardId: parent }: Shard): Promise<readonly Shard[]> {
    await activeArn(this.#client, this.name)
    const shards = await this.shards()
    return shards.filter((one) => one.ParentShardId === parent || one.AdjacentParentShardId === parent)
  }

  /** What a shard holds, read with the SDK from its beginning until it is caught up or ends. */
  async records(shardId: string): Promise<readonly _Record[]> {
    const records: _Record[] = []
    const first = new GetShardIteratorCommand({
      StreamARN: this.arn,
      ShardId: shardId,
      ShardIteratorType: 'TRIM_HORIZON',
    })
    let iterator = (await this.#client.send(first)).ShardIterator
    while (iterator !== undefined) {
      const command = new GetRecordsCommand({ StreamARN: this.arn, ShardIterator: iterator })
      const answer = await this.#client.send(command)
      records.push(...(answer.Records ?? []))
      iterator = answer.MillisBehindLatest === 0 ? undefined : answer.NextShardIterator
    }
    return records
  }

  /** Resolves when it is gone. */
  async delete(): Promise<void> {
    await this.#client.send(new DeleteStreamCommand({ StreamARN: this.arn }))
    await eventually(async () => {
      try {
        await this.#client.send(new DescribeStreamCommand({ StreamARN: this.arn, Limit: 1 }))
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return
        throw error
      }
      throw new Error(`${this.name} is still there`)
    })
  }

  /** Made again under its name, after `delete`: with the same ARN, and shard ids from the beginning. */
  async createAgain(shards = 1): Promise<void> {
    await this.#client.send(new CreateStreamCommand({ StreamName: this.name, ShardCount: shards }))
    await activeArn(this.#client, this.name)
  }
}

/**
 * Data streams of Kinesis through the AWS SDK: which call, with what in it, and how long it may take. One attempt a call;
 * HTTP/1.1 with kept connections, which every Kinesis speaks, and which do not die half as HTTP/2 sessions do.
 *
 * The SDK signs, finds credentials and addresses, and reads errors. It reads every answer too but that of GetRecords:
 * between it and the network stands a step that keeps the body for get-records.ts and passes an empty object on.
 *
 * A role written for Firehose suffices: DescribeStream, GetShardIterator, GetRecords and ListShards, and neither
 * DescribeStreamSummary nor anything else. Each call names the ARN, which is how accounts share their data streams.
 */
import { setMaxListeners } from 'node:events'
import {
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  type ListShardsCommandInput,
  type ListShardsCommandOutput,
  type Shard,
  type ShardFilter,
} from '@aws-sdk/client-kinesis'
import { isSequenceNumber, timestampOf, TRIM_HORIZON, type Checkpoint } from '../../domain/shard.ts'
import { DataStreamError, type DataStream, type ListedShard, type ReadAnswer } from './data-stream.ts'
import { readGetRecords, UnreadableAnswer } from './get-records.ts'
import {
  clientConfig,
  defaultTimeouts,
  regionOf,
  type KinesisSettings,
  type KinesisTimeouts,
} from './kinesis-client-config.ts'
import { dataStreamError, isNamed, isUnknownSequenceNumber, type KinesisTarget } from './kinesis-errors.ts'

export interface Kinesis {
  stream(arn: string): DataStream
  /** Ends idle connections. */
  close(): void
}

/** Restarts of a list whose pages have expired. */
const LISTS_MAX = 3

export function openKinesis(settings: KinesisSettings): Kinesis {
  const clients = new Map<string, KinesisClient>()
  const clientOf = (region: string): KinesisClient => {
    const client = clients.get(region) ?? new KinesisClient(clientConfig(settings, region))
    clients.set(region, client)
    return client
  }
  return {
    stream: (arn) => new KinesisStream(arn, clientOf(settings.region ?? regionOf(arn)), settings),
    close: () => clients.forEach((client) => client.destroy()),
  }
}

class KinesisStream implements DataStream {
  readonly arn: string
  readonly #client: KinesisClient
  readonly #target: KinesisTarget
  readonly #timeouts: KinesisTimeouts
  readonly #shardsPerPage: number | undefined

  constructor(arn: string, client: KinesisClient, settings: KinesisSettings) {
    this.arn = arn
    this.#client = client
    this.#target = { arn, endpoint: settings.endpoint }
    this.#timeouts = settings.timeouts ?? defaultTimeouts
    this.#shardsPerPage = settings.shardsPerPage
  }

  createdAt(signal: AbortSignal): Promise<number> {
    const doing = `describe ${this.arn}`
    return this.#call(doing, this.#timeouts.callMs, signal, async (abortSignal) => {
      const command = new DescribeStreamCommand({ StreamARN: this.arn, Limit: 1 })
      const { StreamDescription: found } = await this.#client.send(command, { abortSignal })
      return expected(found?.StreamCreationTimestamp, 'the time of creation').getTime()
    })
  }

  async listShards(openAt: Checkpoint | undefined, signal: AbortSignal): Promise<readonly ListedShard[]> {
    const filter = openAt === undefined ? undefined : filterOf(openAt)
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#listOnce(filter, signal)
      } catch (error) {
        const hasExpired = error instanceof DataStreamError && error.code === 'ExpiredNextTokenException'
        if (!hasExpired || attempt === LISTS_MAX) throw error
      }
    }
  }

  async #listOnce(filter: ShardFilter | undefined, signal: AbortSignal): Promise<readonly ListedShard[]> {
    const shards: ListedShard[] = []
    let token: string | undefined
    do {
      const input: ListShardsCommandInput = { StreamARN: this.arn, MaxResults: this.#shardsPerPage }
      if (token !== undefined) input.NextToken = token
      else if (filter !== undefined) input.ShardFilter = filter
      const doing = `list the shards of ${this.arn}`
      const page = await this.#call(doing, this.#timeouts.callMs, signal, (abortSignal) =>
        this.#listPage(input, abortSignal),
      )
      shards.push(...(page.Shards ?? []).map(listedShard))
      token = page.NextToken
    } while (token !== undefined)
    return shards
  }

  async #listPage(input: ListShardsCommandInput, abortSignal: AbortSignal): Promise<ListShardsCommandOutput> {
    try {
      return await this.#client.send(new ListShardsCommand(input), { abortSignal })
    } catch (error) {
      if (input.NextToken === undefined || !isNamed(error, 'InvalidArgumentException')) throw error
      // AWS takes the ARN beside a token, and needs it where another account owns the data stream; kinesis-local refuses it.
      const { StreamARN: _, ...withoutArn } = input
      return await this.#client.send(new ListShardsCommand(withoutArn), { abortSignal })
    }
  }

  async iterator(shardId: string, checkpoint: Checkpoint, signal: AbortSignal): Promise<string> {
    const doing = `find ${checkpoint} in ${shardId} of ${this.arn}`
    const place = placeOf(checkpoint)
    return await this.#call(doing, this.#timeouts.callMs, signal, async (abortSignal) => {
      const command = new GetShardIteratorCommand({ StreamARN: this.arn, ShardId: shardId, ...place })
      try {
        const { ShardIterator: iterator } = await this.#client.send(command, { abortSignal })
        return expected(iterator, 'the iterator')
      } catch (error) {
        if (!isUnknownSequenceNumber(error)) throw error
        throw new DataStreamError(`${doing}: the shard does not have it`, {
          kind: 'invalid',
          code: 'ResourceNotFoundException',
          cause: error,
          hint: 'the checkpoint may be of another shard, or its record may have been trimmed',
        })
      }
    })
  }

  read(iterator: string, signal: AbortSignal, most?: number): Promise<ReadAnswer> {
    return this.#call(`read ${this.arn}`, this.#timeouts.readMs, signal, async (abortSignal) => {
      const command = new GetRecordsCommand({ StreamARN: this.arn, ShardIterator: iterator, Limit: most })
      let body: Buffer | undefined
      command.middlewareStack.add(
        (next) => async (args) => {
          const result = await next(args)
          const response = result.response as HttpAnswer
          if (response.statusCode >= 300) return result
          body = await bytesOf(response.body)
          response.body = EMPTY_OBJECT
          return result
        },
        // The nearest to the network: the SDK's reader comes after it.
        { name: 'keepBody', step: 'deserialize', priority: 'low' },
      )
      await this.#client.send(command, { abortSignal })
      return readGetRecords(expected(body, 'the body'))
    })
  }

  /** Rejects with the signal's reason as soon as it aborts, whatever the SDK waits for then. */
  async #call<T>(
    doing: string,
    limitMs: number,
    signal: AbortSignal,
    send: (abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted()
    const end = new AbortController()
    const ended = new Promise<never>((_, reject) => {
      end.signal.addEventListener('abort', () => reject(end.signal.reason as Error), { once: true })
    })
    const abort = (): void => end.abort(signal.reason)
    // AbortSignal.any would do the same, and never forget a signal that lives as long as the process. One signal may
    // end the reads of many shards, of which Node would warn as of a leak.
    setMaxListeners(0, signal)
    signal.addEventListener('abort', abort, { once: true })
    const timer = setTimeout(() => {
      const late = Object.assign(new Error(`it took more than ${limitMs} ms`), { name: 'TimeoutError' })
      end.abort(dataStreamError(late, doing, this.#target))
    }, limitMs)
    try {
      return await Promise.race([send(end.signal), ended])
    } catch (error) {
      if (end.signal.aborted) throw end.signal.reason
      throw dataStreamError(error, doing, this.#target)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }
}

/** What the SDK passes on below its own reader; the type of a body depends on who made it. */
interface HttpAnswer {
  readonly statusCode: number
  body: AsyncIterable<Uint8Array> | Uint8Array
}

const EMPTY_OBJECT = Buffer.from('{}')

async function bytesOf(body: AsyncIterable<Uint8Array> | Uint8Array): Promise<Buffer> {
  const parts: Uint8Array[] = []
  if (body instanceof Uint8Array) parts.push(body)
  else for await (const part of body) parts.push(part)
  return Buffer.concat(parts)
}

function expected<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new UnreadableAnswer(`${what} is missing`)
  return value
}

function filterOf(openAt: Checkpoint): ShardFilter {
  if (openAt === TRIM_HORIZON) return { Type: 'AT_TRIM_HORIZON' }
  const timestamp = timestampOf(openAt)
  if (timestamp !== undefined) return { Type: 'AT_TIMESTAMP', Timestamp: new Date(timestamp) }
  throw new Error(`list shards open at ${openAt}: it is neither TRIM_HORIZON nor a time`)
}

type Place = Pick<
  ConstructorParameters<typeof GetShardIteratorCommand>[0],
  'ShardIteratorType' | 'StartingSequenceNumber' | 'Timestamp'
>

function placeOf(checkpoint: Checkpoint): Place {
  if (checkpoint === TRIM_HORIZON) return { ShardIteratorType: 'TRIM_HORIZON' }
  const timestamp = timestampOf(checkpoint)
  if (timestamp !== undefined) return { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(timestamp) }
  if (isSequenceNumber(checkpoint))
    return { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: checkpoint }
  throw new Error(`find ${checkpoint} in a shard: there is nothing behind it`)
}

function listedShard(shard: Shard): ListedShard {
  const { HashKeyRange: range, SequenceNumberRange: numbers } = shard
  return {
    shardId: expected(shard.ShardId, 'the id of a shard'),
    parents: [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined),
    hashRange: [expected(range?.StartingHashKey, 'a hash key'), expected(range?.EndingHashKey, 'a hash key')],
    isClosed: numbers?.EndingSequenceNumber !== undefined,
  }
}

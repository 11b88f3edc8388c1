/**
 * A delivery stream that is fed by a data stream, as one process has it: the data stream opened, its shards kept in step,
 * and what a reader of one of its shards needs to know.
 */
import type { DeliveryStream, KinesisSource, StreamRef } from '../../domain/delivery-stream.ts'
import type { NewShard } from '../../domain/shard.ts'
import type { ConsumerOptions } from './consumer-options.ts'
import { shareCreation, type Creation } from './creation.ts'
import { DataStreamError, type DataStream, type ListedShard } from './data-stream.ts'
import { childShards } from './lineage.ts'
import { startShardSync, type ShardSync } from './shard-sync.ts'

export interface FedStream {
  readonly stream: StreamRef
  /** As it is defined now; a change acts on the readers that start after it. */
  source: KinesisSource
  readonly dataStream: DataStream
  readonly creation: Creation
  readonly sync: ShardSync
  /** What to register when this shard ends. `named`: the children that GetRecords named. */
  childrenOf(key: string, named: readonly ListedShard[], signal: AbortSignal): Promise<readonly NewShard[]>
  close(): Promise<void>
}

/** @param onChange shards were registered or forgotten */
export function openFedStream(
  options: ConsumerOptions,
  { name, incarnation }: DeliveryStream,
  source: KinesisSource,
  onChange: () => void,
): FedStream {
  const { shards } = options
  const stream = { name, incarnation }
  const closing = new AbortController()
  const dataStream = options.openDataStream(source)
  const creation = shareCreation(dataStream, closing.signal)
  const sync = startShardSync({ ...options, stream, source, dataStream, creation, onChange })

  return {
    stream,
    source,
    dataStream,
    creation,
    sync,
    async childrenOf(key, named, signal) {
      const states = await shards.list(stream)
      const told = childShards(key, named, undefined, states)
      if (told !== undefined) return told
      const listed = await dataStream.listShards(undefined, signal)
      const children = childShards(key, named, listed, states) ?? []
      // A shard that was trimmed before its end was read: what is left of its descendants is found by a sync.
      if (children.length === 0) sync.soon()
      return children
    },
    async close() {
      const message = `ask for ${source.streamArn}: delivery stream ${name} is not read here any more`
      closing.abort(new DataStreamError(message, { kind: 'unavailable', code: 'Closed' }))
      await sync.stop()
    },
  }
}

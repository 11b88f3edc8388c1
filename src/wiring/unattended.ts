/** What is asked for and nobody does, told once at the start: from outside it looks like records that never come. */
import type { Log } from '../account/log.ts'
import { SHARE_MIN, shareOf } from '../config/kinesis-rules.ts'
import { tooSmallShare } from '../config/partitioned-batch-rules.ts'
import type { Role } from '../config/roles.ts'
import type { Config } from '../config/schema.ts'
import type { DeliveryStream } from '../domain/delivery-stream.ts'

interface Asked {
  readonly config: Pick<Config, 'buffer'>
  readonly roles: ReadonlySet<Role>
  /** All there are, declared or not. */
  readonly streams: readonly DeliveryStream[]
  readonly log: Log
}

/** With Redis another process may have the role; the embedded store has one process alone. */
export function tellUnattended({ config, roles, streams, log }: Asked): void {
  tellCramped(config.buffer, streams, log)
  const isAlone = config.buffer.type === 'embedded'
  const deliveryStreams = streams.filter(({ kinesis }) => kinesis !== undefined).map(({ name }) => name)
  if (isAlone && !roles.has('delivery'))
    log.warn(
      { hint: 'records are kept and not delivered: add delivery to --roles, or let processes share a Redis' },
      'role delivery was left out, and no other process of the embedded store can have it',
    )
  if (deliveryStreams.length === 0) return
  if (isAlone && !roles.has('kinesis'))
    log.warn(
      {
        deliveryStreams,
        hint: 'their data streams are not read: add kinesis to --roles, or let processes share a Redis',
      },
      'role kinesis was left out, and no other process of the embedded store can have it',
    )
  const shareBytes = shareOf(config.buffer)
  if (shareBytes !== undefined && shareBytes < SHARE_MIN)
    log.warn(
      {
        deliveryStreams,
        shareBytes,
        neededBytes: SHARE_MIN,
        hint: 'raise buffer.maxBytes or buffer.perStreamShare',
      },
      'buffer was found too small for some reads of a shard',
    )
}

/** A configuration that declares such a stream is refused; others come from the API. */
function tellCramped(buffer: Config['buffer'], streams: readonly DeliveryStream[], log: Log): void {
  const shareBytes = tooSmallShare(buffer)
  const partitioned = streams.filter(({ destination }) => destination.partitioning !== undefined)
  if (shareBytes === undefined || partitioned.length === 0) return
  log.warn(
    {
      deliveryStreams: partitioned.map(({ name }) => name),
      shareBytes,
      neededBytes: buffer.partitionedBatchBytes,
      hint: 'lower buffer.partitionedBatchBytes, or raise buffer.maxBytes or buffer.perStreamShare',
    },
    'buffer was found too small for batches with dynamic partitioning',
  )
}

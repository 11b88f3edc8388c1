/** The steps of a shard reader around the end of its shard: why Kinesis does not know it, and its end itself. */
import { unreachable } from '../../domain/errors.ts'
import {
  isSequenceNumber,
  SHARD_END,
  timestampOf,
  TRIM_HORIZON,
  type Checkpoint,
} from '../../domain/shard.ts'
import type { ReaderEnd } from './shard-reader.ts'
import type { ShardRun, Step } from './shard-run.ts'

/**
 * A shard that was just made may be unknown to a part of Kinesis that answers: to end it would lose all of it. One that
 * was trimmed can wait.
 */
const UNKNOWN_MS = 30_000

/** Kinesis does not know the shard or the checkpoint: the data stream is another, or its retention has passed. */
export async function findOut(
  run: ShardRun,
  { error, from }: Extract<Step, { kind: 'doubt' }>,
): Promise<Step | ReaderEnd> {
  const { dataStream, isSameDataStream } = run.options
  if (!(await isSameDataStream(run.signal))) return 'data-stream-replaced'
  if (error.kind === 'gone') {
    const listed = await dataStream.listShards(undefined, run.signal)
    if (listed.some(({ shardId }) => shardId === run.shardId)) run.unknownSinceMs = undefined
    else if (run.unknownForMs() >= UNKNOWN_MS) return trimmedShard(run)
    run.fail(error)
  } else if (from !== undefined && isSequenceNumber(from)) return trimmedCheckpoint(run, from)
  else if (from !== undefined && timestampOf(from) !== undefined)
    run.fail(error, 'for Kinesis the time to start from has not come yet: look at the clock of this host')
  else run.fail(error)
  return run.locate()
}

/** What is left of the shard is read from its beginning; what is in the store already is left out then. */
function trimmedCheckpoint(run: ShardRun, checkpoint: Checkpoint): Step {
  run.rewind('trimmed')
  if (run.tell('trimmed'))
    run.options.log.warn(
      {
        ...run.logFields,
        checkpoint,
        hint: 'records that were not read within the retention of the data stream are lost; raise its retention, or find out what held this shard up',
      },
      'checkpoint was trimmed',
    )
  return { kind: 'locate', from: TRIM_HORIZON }
}

function trimmedShard(run: ShardRun): Step {
  run.options.log.warn(
    {
      ...run.logFields,
      checkpoint: run.stored,
      hint: 'records that were not read within the retention of the data stream are lost; its shards that followed are read',
    },
    'shard was trimmed before its end was read',
  )
  return { kind: 'end', named: [] }
}

/**
 * Registers the children and ends the shard in one step of the store. Children may have been listed, and are then of
 * the data stream that was there at that time, so it must still be the same after that.
 */
export async function endShard(
  run: ShardRun,
  { named }: Extract<Step, { kind: 'end' }>,
): Promise<Step | ReaderEnd> {
  const { childrenOf, isSameDataStream, shards, acquired, crash, log } = run.options
  const children = await childrenOf(named, run.signal)
  if (!(await isSameDataStream(run.signal))) return 'data-stream-replaced'
  crash('before-shard-end')
  const answer = await shards.end(acquired.lease, run.stored, children)
  crash('after-shard-end')
  switch (answer.kind) {
    case 'ended':
      log.info({ ...run.logFields, children: children.map(({ key }) => key) }, 'shard was read to its end')
      return 'shard-end'
    case 'fenced':
      return 'fenced'
    case 'gap':
      // It was ended: the answer to this very command was lost, and it was sent again.
      return answer.checkpoint === SHARD_END ? 'shard-end' : run.goOnFrom(answer.checkpoint)
    default:
      return unreachable(answer)
  }
}

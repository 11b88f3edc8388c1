/** The process of isolated processing. */
import { createLog } from '../account/log.ts'
import { serveTask } from '../runtime/child-task.ts'
import { readFrames, writeFrames, writeNumbers } from '../runtime/frames-file.ts'
import type { PartitionAnswer, PartitionTask, PieceAnswer, PieceTask, ProcessTask } from './isolated.ts'
import { localPiece } from './local.ts'
import { createPartition } from './partition/partition.ts'
import { Tally } from './tally.ts'

/** Never aborts: the parent kills this process in its place. */
const { signal } = new AbortController()

serveTask((task: ProcessTask) => (task.kind === 'partition' ? partitioned(task) : made(task)))

async function made({ kind, framesPath, madePath, limits, ...input }: PieceTask): Promise<PieceAnswer> {
  let counted = new Tally()
  const count = (tally: Tally): void => {
    counted = tally
  }
  const frames = (): ReturnType<typeof readFrames> => readFrames(framesPath)
  const piece = localPiece({ ...input, frames, signal }, { limits, count })
  if (piece === undefined)
    throw new Error(`process batch ${input.batch.batchId}: nothing is to be made of it`)
  await writeFrames(madePath, kind === 'rest' ? piece.rest() : piece.frames())
  const { counts } = counted
  return piece.isKnown ? { counts, end: { next: piece.next() } } : { counts }
}

async function partitioned(task: PartitionTask): Promise<PartitionAnswer> {
  const { batch, plan, partitioning, framesPath, objectOfPath } = task
  const stage = createPartition({ log: createLog('error') })
  const frames = (): ReturnType<typeof readFrames> => readFrames(framesPath)
  const { objects, verdicts, objectOf } = await stage.partition({ batch, plan, partitioning, frames, signal })
  await writeNumbers(objectOfPath, objectOf)
  return { objects, verdicts }
}

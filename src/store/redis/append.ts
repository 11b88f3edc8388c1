/**
 * Both kinds of append, each one script. Redis at its memory limit refuses them, which is answered as `throttled`; a call
 * that replicas have not received in time has an unknown outcome.
 */
import { randomBytes } from 'node:crypto'
import { BATCH_RECORDS_SEALED } from '../../domain/batch.ts'
import type { StreamRef } from '../../domain/delivery-stream.ts'
import { BufferUnavailableError, unreachable } from '../../domain/errors.ts'
import type { Frame } from '../../domain/frame.ts'
import type { AppendId, Appended, OutOfPlace } from '../../domain/ports.ts'
import type { ShardPosition } from '../../domain/shard.ts'
import { packFrame } from '../frame-codec.ts'
import type { Argument, Connection } from './connection.ts'
import { classify } from './failure.ts'
import { dueMember, type Keys } from './keys.ts'
import type { MemoryGuard } from './memory.ts'
import { scripts, type Script } from './scripts.ts'

export interface AppendOptions {
  readonly ingest: Connection
  readonly keys: Keys
  readonly memory: MemoryGuard
  readonly now: () => number
  readonly holder: string
  readonly maxBytes: number
  readonly perStreamShare: number
  /** Replicas that must have received an append before it is acknowledged. */
  readonly waitReplicas: number
  /** How long to wait for them. */
  readonly waitMs: number
}

/** What the scripts answer: a kind and what belongs to it. */
type Answer =
  | readonly ['appended', firstSequence: number, sealed: number]
  | readonly ['throttled' | 'refused' | 'fenced']
  | readonly ['gap', checkpoint: string]

export class RedisAppend {
  readonly #options: AppendOptions

  constructor(options: AppendOptions) {
    this.#options = options
  }

  async frames(stream: StreamRef, frames: readonly Frame[], id: AppendId): Promise<Appended> {
    const doing = `append to ${stream.name}`
    const { writers } = this.#options.keys.stream(stream)
    const answer = await this.#run(doing, scripts.append, stream, writers, [id.epoch, id.sequence], frames)
    if (answer.kind === 'fenced' || answer.kind === 'gap') throw new Error(`${doing}: ${answer.kind}`)
    return answer
  }

  async fromShard(frames: readonly Frame[], position: ShardPosition): Promise<Appended | OutOfPlace> {
    const { lease, after, last } = position
    const { stream, key, counter } = lease
    const doing = `append shard ${key} to ${stream.name}`
    // The checkpoint is what tells that these records were taken, so it must change with them.
    if (last === after && frames.length > 0)
      throw new Error(`${doing}: its records do not move the checkpoint`)
    const argv = [this.#options.holder, counter, after, last]
    const shard = this.#options.keys.shard(stream, key)
    return this.#run(doing, scripts.appendFromShard, stream, shard, argv, frames)
  }

  /** @param place the key of who or what is appending @param placeArgv where it stands */
  async #run(
    doing: string,
    script: Script,
    stream: StreamRef,
    place: string,
    placeArgv: readonly Argument[],
    frames: readonly Frame[],
  ): Promise<Appended | OutOfPlace> {
    const { ingest, keys, memory, now, maxBytes, perStreamShare } = this.#options
    if (frames.length === 0) throw new Error(`${doing}: there are no frames`)
    const { base, stream: hash } = keys.stream(stream)
    const argv: Argument[] = [
      now(),
      maxBytes,
      Math.floor(maxBytes * perStreamShare),
      base,
      dueMember(stream),
      BATCH_RECORDS_SEALED,
      ...placeArgv,
    ]
    // Nearly full: asks without the frames, since they may have been taken before.
    if (!(await memory.isFull())) argv.push(...frameArguments(frames))
    try {
      const answer = await ingest.script(doing, script, [hash, place, keys.due, keys.budget], argv)
      const appended = parse(answer as Answer)
      if (appended.kind === 'appended') await this.#awaitReplicas(doing)
      return appended
    } catch (error) {
      if (!(error instanceof BufferUnavailableError) || classify(error.cause) !== 'OOM') throw error
      memory.refused()
      return { kind: 'throttled' }
    }
  }

  /** WAIT counts what its own connection has written, so the connection must be the one that appended. */
  async #awaitReplicas(doing: string): Promise<void> {
    const { ingest, waitReplicas, waitMs } = this.#options
    if (waitReplicas === 0) return
    const connection = ingest.established
    const reached = await ingest.call(doing, (client) => client.wait(waitReplicas, waitMs))
    const message =
      ingest.established === connection
        ? `${doing}: ${reached} of ${waitReplicas} replicas have received it`
        : `${doing}: the connection was lost while replicas received it`
    if (reached >= waitReplicas && ingest.established === connection) return
    throw new BufferUnavailableError(message, {
      hint: 'bring the replicas back, or lower buffer.waitReplicas',
    })
  }
}

function parse(answer: Answer): Appended | OutOfPlace {
  switch (answer[0]) {
    case 'appended':
      return { kind: 'appended', firstSequence: answer[1], sealed: answer[2] }
    case 'gap':
      return { kind: 'gap', checkpoint: answer[1] }
    case 'throttled':
    case 'refused':
    case 'fenced':
      return { kind: answer[0] }
    default:
      return unreachable(answer)
  }
}

function frameArguments(frames: readonly Frame[]): Argument[] {
  const random = randomBytes(8 * frames.length).toString('hex')
  return frames.flatMap((frame, index) => [
    random.slice(16 * index, 16 * index + 16),
    frame.records,
    frame.recordBytes,
    frame.arrivalMs,
    packFrame(frame),
  ])
}

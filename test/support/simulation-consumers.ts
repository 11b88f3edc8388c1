/**
 * Consumers of simulated data streams, real ones with real readers, each in a simulated process of its own, over one store
 * in memory. Every call of the store and of Kinesis goes through `storeOutcome` and `kinesisOutcome`, which say how long
 * it takes and what goes wrong.
 */
import type { Log } from '../../src/account/log.ts'
import { Metrics } from '../../src/account/metrics.ts'
import type { DeliveryStream } from '../../src/domain/delivery-stream.ts'
import type { Buffer as BufferPort } from '../../src/domain/ports.ts'
import type { NewShard } from '../../src/domain/shard.ts'
import { createAccept } from '../../src/receive/accept.ts'
import { definitionFrom } from '../../src/receive/definition.ts'
import { startConsumer, type Consumer } from '../../src/receive/kinesis/consumer.ts'
import { createReadTurns } from '../../src/receive/kinesis/read-turns.ts'
import { neverCrash, type CrashHook } from '../../src/runtime/crash-point.ts'
import { MemoryShards, type ShardCall } from './memory-shards.ts'
import { SimulatedDataStream, type DataStreamCall } from './simulated-data-stream.ts'
import { SimulatedProcess, Simulation, type CallOutcome } from './simulation.ts'

export const LEASE_MS = 10_000

/** A delivery stream with the data stream that feeds it. */
export interface Fed {
  readonly definition: DeliveryStream
  readonly dataStream: SimulatedDataStream
}

export interface RunningConsumer {
  readonly process: SimulatedProcess
  readonly consumer: Consumer
  readonly metrics: Metrics
  isStopped: boolean
}

export interface StoreCall extends Omit<ShardCall, 'verb'> {
  readonly verb: ShardCall['verb'] | 'registry'
}

export interface LogLine {
  readonly atMs: number
  readonly process: string
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

const soon: CallOutcome = { thereMs: 1, backMs: 1 }

export class SimulatedConsumers {
  readonly simulation: Simulation
  /** By name of the delivery stream. */
  readonly fed = new Map<string, Fed>()
  readonly definitions = new Map<string, DeliveryStream>()
  readonly store: MemoryShards
  readonly running = new Map<string, RunningConsumer>()
  storeOutcome: (process: SimulatedProcess, call: StoreCall) => CallOutcome = () => soon
  kinesisOutcome: (process: SimulatedProcess, call: DataStreamCall) => CallOutcome = () => soon
  /** What was logged. */
  readonly lines: LogLine[] = []

  constructor(seed: number) {
    this.simulation = new Simulation(seed)
    this.store = new MemoryShards({ now: () => this.simulation.nowMs }, this.definitions)
    this.store.carry = (call, step) => {
      const process = this.running.get(call.holder)?.process ?? this.#starting
      if (process?.name !== call.holder) throw new Error(`there is no process ${call.holder}`)
      return process.call(this.storeOutcome(process, call), step)
    }
  }

  #starting: SimulatedProcess | undefined

  /** A delivery stream that begins at `start`, fed by a data stream of so many shards. */
  feed(name: string, shards: number, start: string, recordsPerRead = 10_000): SimulatedDataStream {
    const clock = { now: () => this.simulation.nowMs }
    const dataStream = new SimulatedDataStream({ clock, name, shards, recordsPerRead })
    const definition = {
      ...definitionFrom(
        { DeliveryStreamName: name, S3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::lake' } },
        {
          region: 'us-east-1',
          accountId: '000000000000',
          limits: 'aws',
          roleOptional: true,
          incarnation: String(this.fed.size + 1).padStart(16, '0'),
          nowMs: 0,
        },
      ),
      kinesis: { streamArn: dataStream.arn, start, outOfRangeRecords: 'keep' as const },
    }
    this.definitions.set(name, definition)
    this.fed.set(name, { definition, dataStream })
    return dataStream
  }

  start(name: string, crash: (process: SimulatedProcess) => CrashHook = () => neverCrash): RunningConsumer {
    const { simulation } = this
    const process = new SimulatedProcess(simulation, name)
    this.#starting = process
    const { shards, leases, appendFromShard } = this.store.as(name)
    const metrics = new Metrics()
    const log = this.#log(name)
    const { clock } = process
    const buffer = { appendFromShard } as unknown as BufferPort
    const door = createAccept({ buffer, dispatch: async () => undefined, clock, metrics, log, epoch: name })
    const list = (): readonly DeliveryStream[] => [...this.definitions.values()]
    const consumer = startConsumer({
      registry: {
        list: () => process.call(this.storeOutcome(process, { holder: name, verb: 'registry' }), list),
      },
      shards,
      leases,
      accept: door.acceptFromShard,
      openDataStream: ({ streamArn }) => {
        const fed = [...this.fed.values()].find(({ dataStream }) => dataStream.arn === streamArn)
        if (fed === undefined) throw new Error(`there is no data stream ${streamArn}`)
        return fed.dataStream.as((call, signal, step) =>
          process.call(this.kinesisOutcome(process, call), step, signal),
        )
      },
      leaseMs: LEASE_MS,
      clock,
      metrics,
      log,
      crash: crash(process),
      random: simulation.random,
      turns: createReadTurns(4),
      pace: { idleMs: 2_000, busyMs: 250, bytesPerSecond: 2 * 1024 * 1024 },
    })
    const running = { process, consumer, metrics, isStopped: false }
    this.running.set(name, running)
    return running
  }

  get live(): RunningConsumer[] {
    return [...this.running.values()].filter(({ process, isStopped }) => !process.isDead && !isStopped)
  }

  #log(process: string): Log {
    const line =
      (level: string) =>
      (...given: readonly unknown[]): void => {
        const [fields, message] = typeof given[0] === 'string' ? [{}, given[0]] : given
        const atMs = this.simulation.nowMs
        this.lines.push({
          atMs,
          process,
          level,
          message: String(message),
          fields: fields as LogLine['fields'],
        })
      }
    const levels = ['error', 'warn', 'info', 'debug'].map((level) => [level, line(level)])
    return Object.fromEntries(levels) as Log
  }

  /** In good order. */
  stop(name: string): void {
    const running = this.running.get(name)
    if (running === undefined) return
    running.isStopped = true
    void running.consumer.stop().finally(() => running.process.die())
  }

  kill(name: string): void {
    this.running.get(name)?.process.die()
  }

  /** The shards of all delivery streams, as the store has them at this moment. */
  shards(): StoredShard[] {
    return [...this.store.snapshot().shards.values()].map((shard) => ({
      ...shard,
      holder: shard.expiresAtMs > this.simulation.nowMs ? shard.holder : undefined,
    }))
  }
}

export interface StoredShard extends Omit<NewShard, 'hashRange'> {
  readonly incarnation: string
  readonly children: readonly string[]
  readonly counter: number
  readonly holder: string | undefined
}

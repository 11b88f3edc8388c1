/**
 * What may happen to consumers of data streams, all of it at once and drawn by a seed: processes come, go, are killed between
 * any two calls and paused for longer than their leases; clocks jump; answers of the store are lost, late, or the call
 * takes effect twice or long after it was given up; the store is away, full, or set back to an earlier state; Kinesis
 * refuses, hangs, expires, hides shards; and all the while records are put, and shards split, merged and trimmed.
 */
import { BufferUnavailableError } from '../../src/domain/errors.ts'
import { atTimestamp, TRIM_HORIZON } from '../../src/domain/shard.ts'
import type { DataStreamErrorKind } from '../../src/receive/kinesis/data-stream.ts'
import type { Snapshot } from './memory-shards.ts'
import { failure, type SimulatedDataStream } from './simulated-data-stream.ts'
import type { RunningConsumer, SimulatedConsumers } from './simulation-consumers.ts'
import type { CallOutcome, SimulatedProcess } from './simulation.ts'

const STORM_MS = 150_000
const RETENTION_MS = 40_000
const PROCESSES_MAX = 4
const OPEN_SHARDS_MAX = 7

/** What is going on beside single calls; each until its time. */
interface Weather {
  isCalm: boolean
  storeAwayUntilMs: number
  kinesisAwayUntilMs: number
  fullUntilMs: number
  /** A copy of the store that it may be set back to. */
  copy: Snapshot | undefined
  /** The next crash point that is passed kills its process. */
  isCrashArmed: boolean
}

export class Storm {
  readonly world: SimulatedConsumers
  /** What happened, for a failing run. */
  readonly diary: string[] = []
  readonly #weather: Weather = {
    isCalm: false,
    storeAwayUntilMs: 0,
    kinesisAwayUntilMs: 0,
    fullUntilMs: 0,
    copy: undefined,
    isCrashArmed: false,
  }
  #processes = 0
  #records = 0
  readonly #beganMs: number

  constructor(world: SimulatedConsumers) {
    this.world = world
    this.#beganMs = world.simulation.nowMs
    world.storeOutcome = (process) => this.#storeOutcome(process)
    world.kinesisOutcome = () => this.#kinesisOutcome()
  }

  /** Until the storm is over and everybody who is paused has been woken. */
  async rage(): Promise<void> {
    const { simulation } = this.world
    this.#feed()
    this.#start()
    while (simulation.nowMs < this.#beganMs + STORM_MS) {
      await simulation.run(simulation.between(100, 2_000))
      this.#put()
      if (simulation.chance(0.6)) this.#happen()
    }
    this.#weather.isCalm = true
    this.#weather.isCrashArmed = false
    this.world.store.roomBytes = Infinity
    for (const { dataStream } of this.world.fed.values()) dataStream.hides = () => false
    for (const { process } of this.world.live) process.resume()
    if (this.world.live.length === 0) this.#start()
    this.#note('calm')
  }

  #note(what: string): void {
    this.diary.push(`${((this.world.simulation.nowMs - this.#beganMs) / 1000).toFixed(3)} ${what}`)
  }

  #feed(): void {
    const { simulation } = this.world
    const count = simulation.chance(0.3) ? 2 : 1
    for (let index = 0; index < count; index += 1) {
      const start = simulation.chance(0.3)
        ? TRIM_HORIZON
        : atTimestamp(simulation.nowMs + simulation.between(0, 3_000))
      const name = `stream${index}`
      const dataStream = this.world.feed(name, simulation.between(1, 4), start, simulation.between(1, 6))
      dataStream.namesChildren = simulation.chance(0.6)
      dataStream.endsWithRecords = simulation.chance(0.6)
      dataStream.refusesTrimmed = simulation.chance(0.5)
      dataStream.knowsFilters = simulation.chance(0.8)
      dataStream.answersEmpty = () => !this.#weather.isCalm && simulation.chance(0.1)
      const hidesSome = simulation.chance(0.3)
      dataStream.hides = ({ closedAtMs }) => hidesSome && closedAtMs === undefined && simulation.chance(0.03)
      this.#note(`${name} begins at ${start} with ${dataStream.open.length} shards`)
    }
  }

  #start(): void {
    this.#processes += 1
    const name = `p${this.#processes}`
    this.world.start(name, (process) => (point) => {
      if (!this.#weather.isCrashArmed || process.isDead) return
      this.#weather.isCrashArmed = false
      this.#note(`${process.name} died ${point}`)
      process.die()
    })
    this.#note(`${name} started`)
  }

  #put(): void {
    const { simulation } = this.world
    for (const { dataStream } of this.world.fed.values()) {
      for (let puts = simulation.between(0, 4); puts > 0; puts -= 1) {
        this.#records += 1
        const hashKey = BigInt(Math.floor(simulation.random() * 2 ** 52)) << 76n
        dataStream.put(`r${this.#records}`, hashKey)
      }
    }
  }

  #happen(): void {
    const { simulation } = this.world
    const happenings = [
      this.#reshard,
      this.#reshard,
      this.#reshard,
      this.#pause,
      this.#pause,
      this.#comeAndGo,
      this.#comeAndGo,
      this.#jump,
      this.#outage,
      this.#setBack,
      this.#trim,
      this.#recreate,
    ]
    simulation.pick(happenings)?.call(this)
  }

  readonly #reshard = (): void => {
    const { simulation } = this.world
    const [name, dataStream] = this.#anyStream()
    const neighbours = simulation.pick(dataStream.neighbours())
    const grows = simulation.chance(0.5) && dataStream.open.length < OPEN_SHARDS_MAX
    const split = simulation.pick(dataStream.open)
    if (grows && split !== undefined) {
      this.#note(`${name}: ${split.id} was split into ${dataStream.split(split.id).join()}`)
    } else if (neighbours !== undefined) {
      const [left, right] = neighbours
      this.#note(`${name}: ${left.id},${right.id} were merged into ${dataStream.merge(left.id, right.id)}`)
    }
  }

  readonly #pause = (): void => {
    const { simulation } = this.world
    const process = this.#anyProcess()?.process
    if (process === undefined || process.isPaused) return
    const ms = simulation.between(200, simulation.chance(0.5) ? 3_000 : 40_000)
    this.#note(`${process.name} was paused for ${ms} ms`)
    process.pause()
    simulation.after(ms, () => process.resume())
  }

  readonly #comeAndGo = (): void => {
    const { simulation, live } = this.world
    const one = this.#anyProcess()
    const choice = simulation.random()
    if (live.length < PROCESSES_MAX && (choice < 0.5 || one === undefined)) return this.#start()
    if (one === undefined) return
    const { process } = one
    if (choice < 0.7) {
      this.#note(`${process.name} was killed`)
      process.die()
    } else if (choice < 0.85) {
      this.#weather.isCrashArmed = true
    } else if (!process.isPaused) {
      this.#note(`${process.name} stops`)
      this.world.stop(process.name)
    }
  }

  readonly #jump = (): void => {
    const process = this.#anyProcess()?.process
    if (process !== undefined) process.wallErrorMs = this.world.simulation.between(-3_600_000, 3_600_000)
  }

  readonly #outage = (): void => {
    const { simulation, store } = this.world
    const untilMs = simulation.nowMs + simulation.between(500, 20_000)
    const choice = simulation.random()
    if (choice < 0.3) {
      this.#weather.storeAwayUntilMs = untilMs
      this.#note('the store is away')
    } else if (choice < 0.6) {
      this.#weather.kinesisAwayUntilMs = untilMs
      this.#note('Kinesis is away')
    } else {
      store.roomBytes = 0
      this.#note('the buffer is full')
      this.#weather.fullUntilMs = untilMs
      simulation.after(untilMs - simulation.nowMs, () => {
        if (this.#weather.fullUntilMs === untilMs) store.roomBytes = Infinity
      })
    }
  }

  readonly #setBack = (): void => {
    const { store } = this.world
    if (this.#weather.copy === undefined) {
      this.#weather.copy = store.snapshot()
      this.#note('the store was copied')
    } else {
      store.rollBack(this.#weather.copy)
      this.#weather.copy = undefined
      this.#note('the store was set back')
    }
  }

  /** Only what the store has, and cannot lose any more. */
  readonly #trim = (): void => {
    const { simulation, store } = this.world
    if (this.#weather.copy !== undefined) return
    const [name, dataStream] = this.#anyStream()
    const taken = new Set<string>()
    for (const { frames, position } of store.appends()) {
      if (position.lease.stream.name !== name) continue
      for (const frame of frames)
        for (const { sequenceNumber } of frame.metadata ?? []) taken.add(sequenceNumber)
    }
    const unread = [...dataStream.life.shards.values()]
      .flatMap(({ records }) => records)
      .filter(({ sequenceNumber }) => !taken.has(sequenceNumber))
    const horizonMs = Math.min(simulation.nowMs - RETENTION_MS, ...unread.map(({ arrivalMs }) => arrivalMs))
    dataStream.trim(horizonMs)
    this.#note(`${name}: trimmed up to ${((horizonMs - this.#beganMs) / 1000).toFixed(3)}`)
  }

  /** The data stream is deleted and, some time later, made again. */
  readonly #recreate = (): void => {
    const { simulation } = this.world
    const [name, dataStream] = this.#anyStream()
    if (dataStream.lives.length > 1 || !simulation.chance(0.3)) return
    dataStream.recreate(simulation.between(1, 4))
    this.#note(`${name}: was made again with ${dataStream.open.length} shards`)
  }

  #anyStream(): [string, SimulatedDataStream] {
    const fed = this.world.simulation.pick([...this.world.fed])
    if (fed === undefined) throw new Error('there is no delivery stream')
    return [fed[0], fed[1].dataStream]
  }

  #anyProcess(): RunningConsumer | undefined {
    return this.world.simulation.pick(this.world.live)
  }

  #storeOutcome(process: SimulatedProcess): CallOutcome {
    const { simulation } = this.world
    const thereMs = simulation.between(1, 5)
    const backMs = simulation.between(1, 5)
    if (this.#weather.isCalm) return { thereMs, backMs }
    const afterMs = simulation.between(5, 2_000)
    const error = new BufferUnavailableError(`ask the store for ${process.name}: the answer was lost`)
    if (simulation.nowMs < this.#weather.storeAwayUntilMs)
      return { thereMs: Infinity, backMs, failure: { error, afterMs } }
    const choice = simulation.random()
    if (choice < 0.02) return { thereMs: Infinity, backMs, failure: { error, afterMs } }
    if (choice < 0.05) return { thereMs, backMs, failure: { error, afterMs } }
    if (choice < 0.06)
      return { thereMs: afterMs + simulation.between(0, 15_000), backMs, failure: { error, afterMs } }
    if (choice < 0.09) return { thereMs, backMs, againMs: simulation.between(1, 1_000) }
    return { thereMs, backMs: simulation.chance(0.05) ? simulation.between(100, 4_000) : backMs }
  }

  #kinesisOutcome(): CallOutcome {
    const { simulation } = this.world
    const thereMs = simulation.between(1, 20)
    const backMs = simulation.between(1, 20)
    if (this.#weather.isCalm) return { thereMs, backMs }
    const failed = (kind: DataStreamErrorKind, afterMs: number): CallOutcome => ({
      thereMs,
      backMs,
      failure: { error: failure(kind, `ask Kinesis: ${kind}`), afterMs },
    })
    if (simulation.nowMs < this.#weather.kinesisAwayUntilMs)
      return failed('unavailable', simulation.between(1, 10_000))
    const choice = simulation.random()
    if (choice < 0.02) return failed('throttled', 20)
    if (choice < 0.03) return failed('unavailable', simulation.between(1, 10_000))
    return { thereMs, backMs: simulation.chance(0.03) ? simulation.between(100, 8_000) : backMs }
  }
}

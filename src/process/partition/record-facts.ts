/**
 * What partitioning has to know of each record beside its keys, gathered while its frames pass: bytes, arrival, whether it
 * goes on at all, and the keys of the transform. The frames need not be read a second time for it. Eight bytes a record, and
 * twelve for each arrival that differs from the one before.
 */
import type { Frame } from '../../domain/frame.ts'
import type { PartitionKeys } from '../../domain/record-metadata.ts'
import { float64s, uint32s } from '../../domain/growing-array.ts'

/** In place of the number of its keys: the record failed or was dropped before. */
export const DECIDED = 0xffff_ffff

export class RecordFacts {
  #bytes = uint32s()
  /** Of runs of records: the first one, and the arrival of all. */
  #runs = uint32s()
  #runArrivals = float64s()
  /** Of each record: DECIDED, or the number of its keys of the transform. */
  #keys = uint32s()
  readonly #numberOf: (keys: PartitionKeys | undefined) => number

  /** @param numberOf what stands for the keys that a transform gave a record; 0 where they do not matter */
  constructor(numberOf: (keys: PartitionKeys | undefined) => number) {
    this.#numberOf = numberOf
  }

  get records(): number {
    return this.#bytes.length
  }

  /** The frames are read again from the start. */
  clear(): void {
    this.#bytes = uint32s()
    this.#runs = uint32s()
    this.#runArrivals = float64s()
    this.#keys = uint32s()
  }

  add(frame: Frame): void {
    const first = this.records
    for (let index = 0; index < frame.records; index += 1) this.#bytes.push(frame.length(index))
    const metadata = frame.metadata
    if (metadata === undefined) {
      this.#arrived(first, frame.arrivalMs)
      const keys = this.#numberOf(undefined)
      this.#keys.pushRun(keys, frame.records)
      return
    }
    let ordinal = first
    for (const { arrivalMs, verdict, isDropped, partitionKeys } of metadata) {
      this.#arrived(ordinal, arrivalMs)
      const isDecided = verdict !== undefined || isDropped === true
      this.#keys.push(isDecided ? DECIDED : this.#numberOf(partitionKeys))
      ordinal += 1
    }
  }

  #arrived(first: number, arrivalMs: number): void {
    const runs = this.#runs.length
    if (runs > 0 && this.#runArrivals.at(runs - 1) === arrivalMs) return
    this.#runs.push(first)
    this.#runArrivals.push(arrivalMs)
  }

  bytes(ordinal: number): number {
    return this.#bytes.at(ordinal)
  }

  keys(ordinal: number): number {
    return this.#keys.at(ordinal)
  }

  /** Arrivals in order of ordinals: the function is asked for each record, one after the other. */
  arrivals(): (ordinal: number) => number {
    let run = -1
    return (ordinal) => {
      while (run + 1 < this.#runs.length && this.#runs.at(run + 1) <= ordinal) run += 1
      return this.#runArrivals.at(run)
    }
  }
}

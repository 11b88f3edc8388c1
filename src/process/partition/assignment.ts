/**
 * Which object of its partition a record goes to: a function of the records' order, bytes and partitions alone.
 *
 * An object is cut once its records have the bytes that were asked for: by the record that reaches them, which is in it still
 * (a batch is sealed by the same rule). A partition begins with its first record; past the limit of partitions none begins,
 * and those that have go on.
 */
import { float64s, uint32s } from '../../domain/growing-array.ts'

export interface AssignmentOptions {
  /** Record bytes at which an object is cut. */
  readonly objectBytes: number
  /** 0: no limit. */
  readonly maxPartitions: number
}

export interface AssignedObject {
  readonly partition: number
  /** Counts from 0 within its partition. */
  readonly part: number
  readonly bytes: number
  readonly records: number
  readonly oldestArrivalMs: number
}

const NONE = 0xffff_ffff

export class Assignment {
  readonly #options: AssignmentOptions
  /** Of each partition: the object that is being filled, one more than its index; and the parts begun. */
  readonly #open = uint32s()
  readonly #parts = uint32s()
  readonly #partitionOf = uint32s()
  readonly #partOf = uint32s()
  readonly #bytes = float64s()
  readonly #records = uint32s()
  readonly #oldest = float64s()
  #partitions = 0

  constructor(options: AssignmentOptions) {
    this.#options = options
  }

  get objects(): number {
    return this.#bytes.length
  }

  /**
   * The index of the record's object, or undefined when its partition would be one too many. Objects are counted in the order
   * of their first records.
   *
   * @param partition any number, small ones if there are many
   */
  assign(partition: number, bytes: number, arrivalMs: number): number | undefined {
    while (this.#open.length <= partition) {
      this.#open.push(NONE)
      this.#parts.push(0)
    }
    let object = this.#open.at(partition)
    if (object === NONE) {
      if (this.#parts.at(partition) === 0) {
        const { maxPartitions } = this.#options
        if (maxPartitions > 0 && this.#partitions >= maxPartitions) return undefined
        this.#partitions += 1
      }
      object = this.#begin(partition, arrivalMs)
    }
    const filled = this.#bytes.at(object) + bytes
    this.#bytes.set(object, filled)
    this.#records.set(object, this.#records.at(object) + 1)
    if (arrivalMs < this.#oldest.at(object)) this.#oldest.set(object, arrivalMs)
    if (filled >= this.#options.objectBytes) this.#open.set(partition, NONE)
    return object
  }

  #begin(partition: number, arrivalMs: number): number {
    const object = this.objects
    this.#partitionOf.push(partition)
    this.#partOf.push(this.#parts.at(partition))
    this.#bytes.push(0)
    this.#records.push(0)
    this.#oldest.push(arrivalMs)
    this.#parts.set(partition, this.#parts.at(partition) + 1)
    this.#open.set(partition, object)
    return object
  }

  object(index: number): AssignedObject {
    return {
      partition: this.#partitionOf.at(index),
      part: this.#partOf.at(index),
      bytes: this.#bytes.at(index),
      records: this.#records.at(index),
      oldestArrivalMs: this.#oldest.at(index),
    }
  }
}

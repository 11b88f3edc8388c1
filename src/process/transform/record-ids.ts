/**
 * Ids of records in a transform's events. They look like those of AWS: 56 digits from 49 on, and six that count the
 * sub-records of one source record. They are the same whenever a batch is processed, so that a transform that remembers them
 * knows a record again.
 */
import { createHash } from 'node:crypto'
import type { BatchRef } from '../../domain/batch.ts'

const BATCH_DIGITS = 34
const ORIGIN_DIGITS = 20
const COUNTER_DIGITS = 6

export class RecordIds {
  readonly #prefix: string
  #origin = -1
  #counter = 0

  constructor({ stream, batchId }: BatchRef) {
    const digest = createHash('sha256').update(JSON.stringify([stream.name, stream.incarnation, batchId]))
    const number = BigInt(`0x${digest.digest('hex')}`) % 10n ** BigInt(BATCH_DIGITS)
    this.#prefix = `49${String(number).padStart(BATCH_DIGITS, '0')}`
  }

  /** Of the next record, in their order. @param origin ordinal of its source record */
  next(origin: number): string {
    this.#counter = origin === this.#origin ? this.#counter + 1 : 0
    this.#origin = origin
    const place = String(origin).padStart(ORIGIN_DIGITS, '0')
    const counter = String(this.#counter).padStart(COUNTER_DIGITS, '0')
    return `${this.#prefix}${place}${counter}`
  }
}

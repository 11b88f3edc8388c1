/** Records gathered for jq, copied out of their frames. */

const BYTES = 65_536

export class RecordBlock {
  readonly lengths: number[] = []
  readonly ordinals: number[] = []
  #buffer = Buffer.allocUnsafeSlow(BYTES)
  #end = 0

  add(ordinal: number, record: Uint8Array): void {
    const end = this.bytesWith(record)
    if (end > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(end, 2 * this.#buffer.length))
      this.#buffer.copy(grown, 0, 0, this.#end)
      this.#buffer = grown
    }
    this.#buffer.set(record, this.#end)
    this.#end = end
    this.ordinals.push(ordinal)
    this.lengths.push(record.byteLength)
  }

  /** What the block's bytes would be with one more record. */
  bytesWith(record: Uint8Array): number {
    return this.#end + record.byteLength
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#end)
  }
}

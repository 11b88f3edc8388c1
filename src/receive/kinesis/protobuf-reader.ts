/**
 * Reads the wire format of protocol buffers (protobuf.dev/programming-guides/encoding): as much of it as an aggregate of
 * the Kinesis Producer Library needs.
 *
 * Bytes that break the format are an expected input, so nothing is thrown: a reader that met them is `broken` and at its
 * end, and whatever it answers from then on is not to be used.
 */

export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

export class ProtobufReader {
  readonly bytes: Uint8Array
  /** Of the field last passed by `nextField`. */
  field = 0
  wireType = 0
  /** Bounds of the value last passed by `readBytes`. */
  start = 0
  end = 0
  broken = false
  #at = 0
  #limit = 0

  /** @param bytes in which `enter` names the part to read */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Goes to the start of the message between `start` and `limit`. */
  enter(start: number, limit: number): void {
    this.#at = start
    this.#limit = limit
  }

  /** Reads the tag of the next field; false at the end of the message. */
  nextField(): boolean {
    if (this.#at >= this.#limit) return false
    const tag = this.readVarint()
    this.field = Math.floor(tag / 8)
    this.wireType = tag % 8
    if (this.field === 0) this.#break()
    return !this.broken
  }

  /** The value as a number, exact up to 2^53. */
  readVarint(): number {
    let value = 0
    let scale = 1
    for (let length = 1; length <= 10; length += 1) {
      if (this.#at >= this.#limit) break
      const byte = this.bytes[this.#at] ?? 0
      this.#at += 1
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    this.#break()
    return 0
  }

  /** Passes a value of bytes; `start` and `end` are its bounds. */
  readBytes(): void {
    const length = this.readVarint()
    if (length > this.#limit - this.#at) this.#break()
    if (this.broken) return
    this.start = this.#at
    this.end = this.#at + length
    this.#at = this.end
  }

  /** Passes the value of a field that is not known. Groups went out of use before there were aggregates. */
  skip(): void {
    if (this.wireType === WireType.varint) this.readVarint()
    else if (this.wireType === WireType.bytes) this.readBytes()
    else if (this.wireType === WireType.fixed64) this.#advance(8)
    else if (this.wireType === WireType.fixed32) this.#advance(4)
    else this.#break()
  }

  #advance(bytes: number): void {
    if (bytes > this.#limit - this.#at) this.#break()
    else this.#at += bytes
  }

  #break(): void {
    this.broken = true
    this.#at = this.#limit
  }
}

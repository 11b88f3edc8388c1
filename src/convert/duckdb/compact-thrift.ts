/**
 * Thrift's compact protocol, as the footer of a Parquet file is written in it: read into plain values and written again, byte
 * for byte the same when nothing is changed.
 */

const TRUE = 1
const FALSE = 2
const BYTE = 3
const I16 = 4
const I32 = 5
const I64 = 6
const DOUBLE = 7
const BINARY = 8
const LIST = 9
const STRUCT = 12

export type ThriftValue = boolean | bigint | Buffer | ThriftList | ThriftStruct

export interface ThriftList {
  readonly elementType: number
  readonly elements: readonly ThriftValue[]
}

export interface ThriftField {
  readonly type: number
  readonly value: ThriftValue
}

/** The fields by their ids, in order. */
export type ThriftStruct = ReadonlyMap<number, ThriftField>

export function isStruct(value: ThriftValue | undefined): value is ThriftStruct {
  return value instanceof Map
}

export function isList(value: ThriftValue | undefined): value is ThriftList {
  return typeof value === 'object' && 'elements' in value
}

/** @param bytes that begin with a struct */
export function readStruct(bytes: Buffer): ThriftStruct {
  return new Reader(bytes).struct()
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  struct(): ThriftStruct {
    const fields = new Map<number, ThriftField>()
    let id = 0
    for (;;) {
      const header = this.#byte()
      if (header === 0) return fields
      id = header >>> 4 === 0 ? Number(this.#zigzag()) : id + (header >>> 4)
      const type = header & 0x0f
      const value = type <= FALSE ? type === TRUE : this.#value(type)
      fields.set(id, { type: type === FALSE ? TRUE : type, value })
    }
  }

  #value(type: number): ThriftValue {
    switch (type) {
      case TRUE:
      case FALSE:
        return this.#byte() === TRUE
      case BYTE:
        return this.#raw(1)
      case I16:
      case I32:
      case I64:
        return this.#zigzag()
      case DOUBLE:
        return this.#raw(8)
      case BINARY:
        return this.#raw(Number(this.#varint()))
      case LIST:
        return this.#list()
      case STRUCT:
        return this.struct()
      default:
        throw new Error(`read thrift: type ${type} is not known`)
    }
  }

  #list(): ThriftList {
    const header = this.#byte()
    const elementType = header & 0x0f
    const length = header >>> 4 === 15 ? Number(this.#varint()) : header >>> 4
    return { elementType, elements: Array.from({ length }, () => this.#value(elementType)) }
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new Error('read thrift: it ends inside a value')
    this.#at += 1
    return byte
  }

  #raw(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new Error('read thrift: it ends inside a value')
    const raw = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return raw
  }

  #varint(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }

  #zigzag(): bigint {
    const value = this.#varint()
    return (value >> 1n) ^ -(value & 1n)
  }
}

export function writeStruct(struct: ThriftStruct): Buffer {
  const writer = new Writer()
  writer.struct(struct)
  return writer.bytes()
}

class Writer {
  #buffer = Buffer.allocUnsafe(4096)
  #end = 0

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#end)
  }

  struct(fields: ThriftStruct): void {
    let before = 0
    for (const [id, { type, value }] of fields) {
      const step = id - before
      before = id
      const written = typeof value === 'boolean' ? (value ? TRUE : FALSE) : type
      if (step > 0 && step < 16) this.#byte((step << 4) | written)
      else {
        this.#byte(written)
        this.#zigzag(BigInt(id))
      }
      if (typeof value !== 'boolean') this.#value(type, value)
    }
    this.#byte(0)
  }

  #value(type: number, value: ThriftValue): void {
    if (typeof value === 'boolean') this.#byte(value ? TRUE : FALSE)
    else if (typeof value === 'bigint') this.#zigzag(value)
    else if (isStruct(value)) this.struct(value)
    else if (isList(value)) this.#list(value)
    else {
      if (type === BINARY) this.#varint(BigInt(value.length))
      this.#raw(value)
    }
  }

  #list({ elementType, elements }: ThriftList): void {
    if (elements.length < 15) this.#byte((elements.length << 4) | elementType)
    else {
      this.#byte(0xf0 | elementType)
      this.#varint(BigInt(elements.length))
    }
    for (const element of elements) this.#value(elementType, element)
  }

  #byte(byte: number): void {
    this.#makeRoom(1)
    this.#buffer[this.#end] = byte
    this.#end += 1
  }

  #raw(bytes: Buffer): void {
    this.#makeRoom(bytes.length)
    bytes.copy(this.#buffer, this.#end)
    this.#end += bytes.length
  }

  #varint(value: bigint): void {
    let left = value
    for (; left >= 0x80n; left >>= 7n) this.#byte(Number(left & 0x7fn) | 0x80)
    this.#byte(Number(left))
  }

  #zigzag(value: bigint): void {
    this.#varint(value < 0n ? -2n * value - 1n : 2n * value)
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(2 * (this.#end + bytes))
    this.#buffer.copy(grown, 0, 0, this.#end)
    this.#buffer = grown
  }
}

/** Reads the binary format of WebAssembly (webassembly.github.io/spec/core/binary), as far as a module without SIMD and threads goes. */

export class WasmReader {
  at: number
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.at = at
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length
  }

  byte(): number {
    const byte = this.#bytes[this.at]
    if (byte === undefined) throw new Error('read module: it ends too soon')
    this.at += 1
    return byte
  }

  /** An unsigned number of up to 32 bits. */
  number(): number {
    let value = 0
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }

  /** A number of any width and sign. */
  skipVarint(): void {
    while (this.byte() >= 0x80);
  }

  bytes(length: number): Uint8Array {
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }
}

/** The bytes of an unsigned number. */
export function varint(value: number): readonly number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return bytes
}

/** The bytes of a number above zero where its sign counts. */
export function signedVarint(value: number): readonly number[] {
  const bytes = [...varint(value)]
  const last = bytes.at(-1) ?? 0
  // The highest bit of the last seven is the sign.
  if ((last & 0x40) !== 0) bytes.splice(-1, 1, last | 0x80, 0)
  return bytes
}

/** Numbers that follow an opcode: by opcode, from the first to the last of a range. */
const OPERANDS: readonly (readonly [first: number, last: number, varints: number])[] = [
  [0x00, 0x01, 0],
  // block, loop, if: the type of what they leave
  [0x02, 0x04, 1],
  [0x05, 0x05, 0],
  [0x0b, 0x0b, 0],
  [0x0c, 0x0d, 1],
  [0x0f, 0x0f, 0],
  [0x10, 0x10, 1],
  [0x11, 0x11, 2],
  [0x1a, 0x1b, 0],
  // variables and tables
  [0x20, 0x26, 1],
  // loads and stores: alignment and offset
  [0x28, 0x3e, 2],
  [0x3f, 0x42, 1],
  // comparisons and arithmetic
  [0x45, 0xc4, 0],
  [0xd0, 0xd0, 1],
  [0xd1, 0xd1, 0],
  [0xd2, 0xd2, 1],
]
/** The same of the opcodes that follow 0xfc. */
const OPERANDS_FC: typeof OPERANDS = [
  [0, 7, 0],
  [8, 8, 2],
  [9, 9, 1],
  [10, 10, 2],
  [11, 11, 1],
  [12, 12, 2],
  [13, 13, 1],
  [14, 14, 2],
  [15, 17, 1],
]
const BR_TABLE = 0x0e
const F32_CONST = 0x43
const F64_CONST = 0x44
const MORE = 0xfc

/** Moves on to the next instruction. */
export function skipOperands(reader: WasmReader, opcode: number): void {
  if (opcode === F32_CONST) reader.bytes(4)
  else if (opcode === F64_CONST) reader.bytes(8)
  else if (opcode === BR_TABLE) skipVarints(reader, reader.number() + 1)
  else if (opcode === MORE) skipVarints(reader, operands(OPERANDS_FC, reader.number()))
  else skipVarints(reader, operands(OPERANDS, opcode))
}

function operands(table: typeof OPERANDS, opcode: number): number {
  const entry = table.find(([first, last]) => first <= opcode && opcode <= last)
  if (entry === undefined) throw new Error(`read module: opcode ${opcode} is not known`)
  return entry[2]
}

function skipVarints(reader: WasmReader, count: number): void {
  for (let left = count; left > 0; left -= 1) reader.skipVarint()
}

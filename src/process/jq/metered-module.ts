/**
 * A WebAssembly module that counts its steps: every pass through a loop takes one from a counter, and the module traps once
 * there is none left. How far a computation gets then depends on what it does, never on the clock or on how busy the
 * machine is, so that what it did not finish is unfinished in every attempt and in every process. Its memory is bounded by
 * its own declaration.
 *
 * The module is rewritten, not interpreted: sections that name functions, types and places stay as they are, a global is
 * added at the end of the globals, and each `loop` of the code is followed by "take one, trap below zero".
 */
import { WasmReader, skipOperands, varint } from './wasm-reader.ts'

/** Export of the counter, an i64. */
export const STEPS = 'steps'
/** What the counter holds at first: enough for the module to start. */
const STEPS_AT_START = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20] as const

const HEADER_BYTES = 8
const SECTION = { custom: 0, import: 2, memory: 5, global: 6, export: 7, code: 10 } as const
const GLOBAL = 3
const LOOP = 0x03
const I64 = 0x7e
const MUTABLE = 1

/** @param memoryPagesMax most pages of 64 KiB */
export function meteredModule(module: Uint8Array, memoryPagesMax: number): Buffer {
  const sections: Uint8Array[] = [module.subarray(0, HEADER_BYTES)]
  const reader = new WasmReader(module, HEADER_BYTES)
  let globals = 0
  while (!reader.isAtEnd) {
    const id = reader.byte()
    const content = reader.bytes(reader.number())
    if (id === SECTION.custom) continue
    if (id === SECTION.import) globals += importedGlobals(content)
    if (id === SECTION.global) globals += new WasmReader(content).number()
    const rewritten = rewrittenSection(id, content, globals, memoryPagesMax)
    sections.push(Buffer.from([id, ...varint(rewritten.length)]), rewritten)
  }
  return Buffer.concat(sections)
}

/** @param steps index of the counter among the globals; said of sections after theirs */
function rewrittenSection(
  id: number,
  content: Uint8Array,
  steps: number,
  memoryPagesMax: number,
): Uint8Array {
  switch (id) {
    case SECTION.memory:
      return boundedMemory(content, memoryPagesMax)
    case SECTION.global:
      return withOneMore(content, [I64, MUTABLE, 0x42, ...STEPS_AT_START, 0x0b])
    case SECTION.export:
      return withOneMore(content, [STEPS.length, ...Buffer.from(STEPS), GLOBAL, ...varint(steps)])
    case SECTION.code:
      return meteredCode(content, varint(steps))
    default:
      return content
  }
}

function importedGlobals(content: Uint8Array): number {
  const reader = new WasmReader(content)
  let globals = 0
  for (let left = reader.number(); left > 0; left -= 1) {
    reader.bytes(reader.number())
    reader.bytes(reader.number())
    const kind = reader.byte()
    if (kind === 0) reader.skipVarint()
    else if (kind === GLOBAL) {
      globals += 1
      reader.bytes(2)
    } else throw new Error('meter module: it imports a table or a memory')
  }
  return globals
}

/** A section is a number of entries, then these. */
function withOneMore(content: Uint8Array, entry: readonly number[]): Buffer {
  const reader = new WasmReader(content)
  const entries = reader.number()
  return Buffer.concat([
    Buffer.from(varint(entries + 1)),
    content.subarray(reader.at),
    Buffer.from(Uint8Array.from(entry)),
  ])
}

function boundedMemory(content: Uint8Array, pagesMax: number): Buffer {
  const reader = new WasmReader(content)
  const memories = reader.number()
  reader.byte()
  const pages = reader.number()
  if (memories !== 1 || pages > pagesMax) throw new Error('meter module: its memory cannot be bounded')
  return Buffer.from([1, 1, ...varint(pages), ...varint(pagesMax)])
}

function meteredCode(content: Uint8Array, steps: readonly number[]): Buffer {
  const reader = new WasmReader(content)
  const functions = reader.number()
  const code: Uint8Array[] = [Buffer.from(varint(functions))]
  for (let index = 0; index < functions; index += 1) {
    const body = meteredBody(reader.bytes(reader.number()), takeOneStep(steps))
    code.push(Buffer.from(varint(body.length)), body)
  }
  return Buffer.concat(code)
}

function takeOneStep(steps: readonly number[]): Buffer {
  const get = [0x23, ...steps]
  const set = [0x24, ...steps]
  const subtractOne = [0x42, 1, 0x7d]
  const trapBelowZero = [0x42, 0, 0x53, 0x04, 0x40, 0x00, 0x0b]
  return Buffer.from([...get, ...subtractOne, ...set, ...get, ...trapBelowZero])
}

function meteredBody(body: Uint8Array, takeOne: Uint8Array): Buffer {
  const reader = new WasmReader(body)
  for (let left = reader.number(); left > 0; left -= 1) {
    reader.skipVarint()
    reader.byte()
  }
  const parts: Uint8Array[] = []
  let start = 0
  while (!reader.isAtEnd) {
    const opcode = reader.byte()
    skipOperands(reader, opcode)
    if (opcode !== LOOP) continue
    parts.push(body.subarray(start, reader.at), takeOne)
    start = reader.at
  }
  parts.push(body.subarray(start))
  return Buffer.concat(parts)
}

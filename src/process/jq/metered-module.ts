/**
 * A WebAssembly module that counts its steps: every pass through a loop takes one from a counter, and the module traps once
 * there is none left. How far a computation gets then depends on what it does, never on the clock or on how busy the
 * machine is, so that what it did not finish is unfinished in every attempt and in every process. Its memory is bounded by
 * its own declaration.
 *
 * Its stack is guarded as well. Emscripten gives it 64 KiB between data and heap, and a deep recursion writes over the data
 * without a word: an object that is nested 50 deep is enough for jq's tostring. The stack is moved to where the heap begins,
 * with as much room as is asked for, and every move of its pointer below that traps. The heap must be told to begin behind it.
 *
 * The module is rewritten, not interpreted: sections that name functions, types and places stay as they are, a global is
 * added at the end of the globals, each `loop` of the code is followed by "take one, trap below zero", and each change of the
 * stack pointer by "trap below the stack".
 */
import { signedVarint, skipOperands, varint, WasmReader } from './wasm-reader.ts'

/** Export of the counter, an i64. */
export const STEPS = 'steps'
/** Export of the stack pointer, an i32. */
export const STACK = 'stack'
/** What the counter holds at first: enough for the module to start. */
const STEPS_AT_START = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20] as const

const HEADER_BYTES = 8
const SECTION = { custom: 0, import: 2, memory: 5, global: 6, export: 7, code: 10 } as const
const GLOBAL = 3
const LOOP = 0x03
const GLOBAL_SET = 0x24
/** Emscripten's first global. */
const STACK_POINTER = 0
const I32 = 0x7f
const I64 = 0x7e
const MUTABLE = 1

export interface Bounds {
  /** Most pages of 64 KiB. */
  readonly memoryPagesMax: number
  readonly stackBytes: number
}

/** What is found on the way, for the sections after. */
interface Found {
  /** Index of the counter among the globals. */
  steps: number
  /** Where the heap begins, and the stack is put. */
  heap: number
}

export function meteredModule(module: Uint8Array, bounds: Bounds): Buffer {
  const sections: Uint8Array[] = [module.subarray(0, HEADER_BYTES)]
  const reader = new WasmReader(module, HEADER_BYTES)
  const found: Found = { steps: 0, heap: 0 }
  while (!reader.isAtEnd) {
    const id = reader.byte()
    const content = reader.bytes(reader.number())
    if (id === SECTION.custom) continue
    const rewritten = rewrittenSection(id, content, found, bounds)
    sections.push(Buffer.from([id, ...varint(rewritten.length)]), rewritten)
  }
  return Buffer.concat(sections)
}

function rewrittenSection(id: number, content: Uint8Array, found: Found, bounds: Bounds): Uint8Array {
  switch (id) {
    case SECTION.import:
      if (importsGlobals(content)) throw new Error('meter module: it imports globals')
      return content
    case SECTION.memory:
      return boundedMemory(content, bounds.memoryPagesMax)
    case SECTION.global:
      return rewrittenGlobals(content, found, bounds)
    case SECTION.export:
      return withMore(content, [
        [STEPS.length, ...Buffer.from(STEPS), GLOBAL, ...varint(found.steps)],
        [STACK.length, ...Buffer.from(STACK), GLOBAL, ...varint(STACK_POINTER)],
      ])
    case SECTION.code:
      return meteredCode(content, found)
    default:
      return content
  }
}

function importsGlobals(content: Uint8Array): boolean {
  const reader = new WasmReader(content)
  for (let left = reader.number(); left > 0; left -= 1) {
    reader.bytes(reader.number())
    reader.bytes(reader.number())
    if (reader.byte() !== 0) return true
    reader.skipVarint()
  }
  return false
}

/** The stack pointer begins where the moved stack ends; the counter is the last one. */
function rewrittenGlobals(content: Uint8Array, found: Found, { stackBytes }: Bounds): Buffer {
  const reader = new WasmReader(content)
  found.steps = reader.number()
  const [type, mutable, constant] = [reader.byte(), reader.byte(), reader.byte()]
  if (type !== I32 || mutable !== MUTABLE || constant !== 0x41)
    throw new Error('meter module: its first global is no stack pointer')
  found.heap = reader.number()
  const stackPointer = [I32, MUTABLE, 0x41, ...signedVarint(found.heap + stackBytes)]
  return Buffer.concat([
    Buffer.from([...varint(found.steps + 1), ...stackPointer]),
    content.subarray(reader.at),
    Buffer.from([I64, MUTABLE, 0x42, ...STEPS_AT_START, 0x0b]),
  ])
}

/** A section is a number of entries, then these. */
function withMore(content: Uint8Array, entries: readonly (readonly number[])[]): Buffer {
  const reader = new WasmReader(content)
  const count = reader.number() + entries.length
  return Buffer.concat([Buffer.from(varint(count)), content.subarray(reader.at), Buffer.from(entries.flat())])
}

function boundedMemory(content: Uint8Array, pagesMax: number): Buffer {
  const reader = new WasmReader(content)
  const memories = reader.number()
  reader.byte()
  const pages = reader.number()
  if (memories !== 1 || pages > pagesMax) throw new Error('meter module: its memory cannot be bounded')
  return Buffer.from([1, 1, ...varint(pages), ...varint(pagesMax)])
}

function meteredCode(content: Uint8Array, found: Found): Buffer {
  const reader = new WasmReader(content)
  const functions = reader.number()
  const code: Uint8Array[] = [Buffer.from(varint(functions))]
  const guards: Guards = { step: takeOneStep(found.steps), stack: checkStack(found.heap) }
  for (let index = 0; index < functions; index += 1) {
    const body = meteredBody(reader.bytes(reader.number()), guards)
    code.push(Buffer.from(varint(body.length)), body)
  }
  return Buffer.concat(code)
}

interface Guards {
  readonly step: Uint8Array
  readonly stack: Uint8Array
}

const TRAP_IF = [0x04, 0x40, 0x00, 0x0b]

function takeOneStep(steps: number): Buffer {
  const get = [0x23, ...varint(steps)]
  const set = [GLOBAL_SET, ...varint(steps)]
  const subtractOne = [0x42, 1, 0x7d]
  const isBelowZero = [0x42, 0, 0x53]
  return Buffer.from([...get, ...subtractOne, ...set, ...get, ...isBelowZero, ...TRAP_IF])
}

function checkStack(end: number): Buffer {
  return Buffer.from([0x23, STACK_POINTER, 0x41, ...signedVarint(end), 0x49, ...TRAP_IF])
}

function meteredBody(body: Uint8Array, { step, stack }: Guards): Buffer {
  const reader = new WasmReader(body)
  for (let left = reader.number(); left > 0; left -= 1) {
    reader.skipVarint()
    reader.byte()
  }
  const parts: Uint8Array[] = []
  let start = 0
  while (!reader.isAtEnd) {
    const opcode = reader.byte()
    const operand = reader.at
    skipOperands(reader, opcode)
    const isStackMove = opcode === GLOBAL_SET && body[operand] === STACK_POINTER
    if (opcode !== LOOP && !isStackMove) continue
    parts.push(body.subarray(start, reader.at), isStackMove ? stack : step)
    start = reader.at
  }
  parts.push(body.subarray(start))
  return Buffer.concat(parts)
}

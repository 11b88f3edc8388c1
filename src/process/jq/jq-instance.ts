/**
 * One jq in this thread, and all that it can see of the world: its steps and memory are counted, its clock stands at a given
 * moment in UTC, it has no environment, and what it prints is taken here. So what it makes of an input is the same in
 * every process.
 *
 * jq-web instantiates its module when it is imported, with imports of its own; this file is imported in a thread that does
 * nothing else, and stands in its way there.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { meteredModule, STACK, STEPS } from './metered-module.ts'
import { UtcDate } from './utc-date.ts'

/** 256 MiB in pages of 64 KiB. A block takes some tens of MiB at the most. */
const MEMORY_PAGES_MAX = 4_096
/** Of what is nested as deep as jq reads, with room to spare for what it can make. */
const STACK_BYTES = 4 << 20

export interface JqLimits {
  /** Passes through loops of jq. */
  readonly steps: bigint
  readonly outputBytes: number
}

/** Why jq ended before its time. */
export type JqEnd = 'steps' | 'memory' | 'output' | 'failed'

export interface JqRun {
  readonly output: string
  /** Absent: it ran to its end. It must not be used again otherwise. */
  readonly end?: JqEnd
  /** What jq printed as errors. */
  readonly errors: string
}

export interface JqInstance {
  run(input: Uint8Array, program: string, limits: JqLimits): JqRun
}

/** A WebAssembly.Module; may be given to other threads. */
export type JqModule = object

/** jq's module as it is run here. */
export async function compileJq(): Promise<JqModule> {
  const folder = dirname(createRequire(import.meta.url).resolve('jq-web'))
  const module = meteredModule(await readFile(join(folder, 'jq.wasm')), {
    memoryPagesMax: MEMORY_PAGES_MAX,
    stackBytes: STACK_BYTES,
  })
  return engine.compile(module)
}

/** Once in a thread. @param nowMs what jq's clock shows, epoch ms */
export async function openJq(module: JqModule, nowMs: number): Promise<JqInstance> {
  const world = new World(nowMs)
  engine.instantiate = async (_bytes, imports) => world.instantiate(module, imports)
  globalThis.Date = UtcDate as DateConstructor
  const jq = await (await import('jq-web')).default
  return {
    run(input, program, limits) {
      world.begin(limits)
      try {
        jq.raw(input, program, ['-c', '--unbuffered'])
      } catch (error) {
        return { output: world.output(), errors: world.errors(), end: world.endOf(error) }
      }
      return { output: world.output(), errors: world.errors() }
    },
  }
}

/** The part of WebAssembly that is used; the types of Node have none of it. */
interface WebAssemblyEngine {
  compile(bytes: Uint8Array): Promise<JqModule>
  instantiate(bytes: unknown, imports: Imports): Promise<Instantiated>
  RuntimeError: new () => Error
  Instance: new (
    module: JqModule,
    imports: Imports,
  ) => {
    readonly exports: Readonly<Record<string, unknown>>
  }
}
type Imports = Readonly<Record<string, Readonly<Record<string, Imported>>>>
interface Instantiated {
  readonly module: JqModule
  readonly instance: unknown
}

const engine = Reflect.get(globalThis, 'WebAssembly') as WebAssemblyEngine

type Imported = (...values: readonly number[]) => number

const STANDARD_OUTPUT = 1
const STANDARD_ERROR = 2
const ERROR_BYTES_MAX = 4_096

/** What jq's module is given in place of what jq-web gives it. */
class World {
  readonly #nowMs: number
  #memory: { readonly buffer: ArrayBuffer } | undefined
  #steps: { value: bigint } | undefined
  #output: Uint8Array[] = []
  #errors: Uint8Array[] = []
  #outputBytesLeft = 0
  #errorBytesLeft = 0

  constructor(nowMs: number) {
    this.#nowMs = nowMs
  }

  instantiate(module: JqModule, imports: Imports): Instantiated {
    // jq-web gives the same functions under both names.
    const given = imports['env'] ?? {}
    const functions = { ...given, ...this.#functions(given) }
    const instance = new engine.Instance(module, { env: functions, wasi_snapshot_preview1: functions })
    this.#memory = instance.exports['memory'] as { readonly buffer: ArrayBuffer }
    this.#steps = instance.exports[STEPS] as { value: bigint }
    beginHeapBehindStack(this.#memory, instance.exports[STACK] as { readonly value: number })
    return { module, instance }
  }

  #functions(given: Readonly<Record<string, Imported>>): Record<string, Imported> {
    const { fd_write: write, _gmtime_js: gmtime } = given
    if (write === undefined || gmtime === undefined)
      throw new Error('open jq: its module imports other functions')
    return {
      emscripten_date_now: () => this.#nowMs,
      environ_sizes_get: (count = 0, bytes = 0) => this.#store([count, 0], [bytes, 0]),
      environ_get: () => 0,
      _tzset_js: (zone = 0, daylight = 0, name = 0, daylightName = 0) =>
        this.#store([zone, 0], [daylight, 0], [name, UTC_TEXT], [daylightName, UTC_TEXT]),
      _localtime_js: (time = 0, tm = 0) => {
        gmtime(time, tm)
        return this.#store([tm + TM_IS_DAYLIGHT, 0], [tm + TM_OFFSET, 0])
      },
      fd_write: (file = 0, vectors = 0, count = 0, written = 0) => {
        if (file !== STANDARD_OUTPUT && file !== STANDARD_ERROR) return write(file, vectors, count, written)
        return this.#store([written, this.#print(file, vectors, count)])
      },
    }
  }

  #store(...numbers: readonly (readonly [address: number, value: number])[]): number {
    const memory = new DataView(this.#bytes().buffer)
    for (const [address, value] of numbers) memory.setUint32(address, value, true)
    return 0
  }

  /** Anew each time: when the memory grows, the old view ends. */
  #bytes(): Uint8Array {
    return new Uint8Array(this.#memory?.buffer ?? new ArrayBuffer(0))
  }

  #print(file: number, vectors: number, count: number): number {
    const bytes = this.#bytes()
    const view = new DataView(bytes.buffer)
    let printed = 0
    for (let vector = vectors; vector < vectors + 8 * count; vector += 8) {
      const start = view.getUint32(vector, true)
      const length = view.getUint32(vector + 4, true)
      printed += length
      if (file === STANDARD_OUTPUT) {
        this.#outputBytesLeft -= length
        if (this.#outputBytesLeft < 0) throw new OutputLimitError('run jq: its output is too long')
        this.#output.push(bytes.slice(start, start + length))
      } else if (this.#errorBytesLeft > 0) {
        this.#errors.push(bytes.slice(start, start + Math.min(length, this.#errorBytesLeft)))
        this.#errorBytesLeft -= length
      }
    }
    return printed
  }

  begin({ steps, outputBytes }: JqLimits): void {
    this.#output = []
    this.#errors = []
    this.#outputBytesLeft = outputBytes
    this.#errorBytesLeft = ERROR_BYTES_MAX
    if (this.#steps !== undefined) this.#steps.value = steps
  }

  output(): string {
    return Buffer.concat(this.#output).toString()
  }

  errors(): string {
    return Buffer.concat(this.#errors).toString()
  }

  endOf(error: unknown): JqEnd {
    if (this.#steps !== undefined && this.#steps.value < 0n) return 'steps'
    if (error instanceof OutputLimitError) return 'output'
    // jq's own words, or a stack that is full: its own, which traps, or the engine's.
    const isTrap = error instanceof engine.RuntimeError && !error.message.includes('Aborted')
    if (isTrap || error instanceof RangeError) return 'memory'
    return /cannot allocate memory/i.test(this.errors()) ? 'memory' : 'failed'
  }
}

/**
 * Where the heap ends is kept in one word of the memory, which at first holds where it begins: what was the top of the stack.
 * The heap is to begin behind the stack that was put there.
 */
function beginHeapBehindStack(
  { buffer }: { readonly buffer: ArrayBuffer },
  stack: { readonly value: number },
): void {
  const words = new Uint32Array(buffer)
  const heap = stack.value - STACK_BYTES
  const place = words.indexOf(heap)
  if (place === -1 || words.indexOf(heap, place + 1) !== -1)
    throw new Error('open jq: its heap cannot be moved; this is another module than the one that was tried')
  words[place] = stack.value
}

class OutputLimitError extends Error {
  override readonly name = 'OutputLimitError'
}

/** Of `struct tm`: where tm_isdst and tm_gmtoff are. */
const TM_IS_DAYLIGHT = 32
const TM_OFFSET = 36
/** "UTC" with its end, little endian. */
const UTC_TEXT = 0x0043_5455

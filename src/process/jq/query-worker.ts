/**
 * The thread in which jq runs. It serves one batch, or the check of one query, a request at a time; whoever started it ends
 * it after the last, and when jq did not come to its end.
 */
import { isUtf8 } from 'node:buffer'
import { parentPort, workerData } from 'node:worker_threads'
import { compileJq, openJq, type JqEnd, type JqInstance, type JqRun } from './jq-instance.ts'
import {
  NOT_JSON,
  type BlockLines,
  type RecordBlock,
  type WorkerAnswer,
  type WorkerRequest,
  type WorkerStart,
} from './query-messages.ts'
import { recordJson } from './record-json.ts'

const EMPTY = new Uint8Array(0)

const port = parentPort
if (port === null) throw new Error('run jq: this module is for a thread of its own')
const start = workerData as WorkerStart
const module = start.module ?? (await compileJq())
const jq = await openJq(module, start.nowMs)
port.on('message', (request: WorkerRequest) => port.postMessage(answer(jq, request)))
port.postMessage({ kind: 'ready', module } satisfies WorkerAnswer)

function answer(instance: JqInstance, { program, block, steps, outputBytes }: WorkerRequest): WorkerAnswer {
  const limits = { steps, outputBytes }
  if (block === undefined) {
    const { end, errors } = instance.run(EMPTY, program, limits)
    return ended({ texts: [], textOf: new Uint32Array(0) }, { end, errors })
  }
  const { input, isJson } = readBlock(block)
  const run = instance.run(input, program, limits)
  return ended(linesOf(run, isJson), run)
}

function ended(
  lines: BlockLines,
  { end, errors }: { end?: JqEnd | undefined; errors: string },
): WorkerAnswer {
  return { kind: 'run', lines, errors, ...(end === undefined ? {} : { end }) }
}

/** The records that are JSON objects as one array. */
function readBlock({ bytes, lengths, first, end }: RecordBlock): { input: Uint8Array; isJson: boolean[] } {
  const parts: Uint8Array[] = []
  const isJson: boolean[] = []
  let at = 0
  for (const [index, length] of lengths.entries()) {
    const record = Buffer.from(bytes.buffer, bytes.byteOffset + at, length)
    at += length
    if (index < first) continue
    if (index >= end) break
    const json = recordJson(record)
    isJson.push(json !== undefined)
    if (json === undefined) continue
    parts.push(parts.length === 0 ? OPENING : COMMA, isUtf8(json) ? json : Buffer.from(json.toString()))
  }
  parts.push(parts.length === 0 ? NO_RECORDS : CLOSING)
  return { input: Buffer.concat(parts), isJson }
}

const OPENING = Buffer.from('[')
const COMMA = Buffer.from(',')
const CLOSING = Buffer.from(']')
const NO_RECORDS = Buffer.from('[]')

function linesOf({ output }: JqRun, isJson: readonly boolean[]): BlockLines {
  // What follows the last newline is no line: jq ended in the middle of it.
  const lines = output.split('\n').slice(0, -1)
  const indices = new Map<string, number>()
  const textOf = new Uint32Array(isJson.length)
  let next = 0
  let decided = 0
  for (const isObject of isJson) {
    const line = lines[next]
    if (isObject && line === undefined) break
    textOf[decided] = isObject ? indexOf(line ?? '', indices) : NOT_JSON
    if (isObject) next += 1
    decided += 1
  }
  return { texts: [...indices.keys()], textOf: textOf.slice(0, decided) }
}

function indexOf(text: string, indices: Map<string, number>): number {
  const known = indices.get(text)
  if (known !== undefined) return known
  indices.set(text, indices.size)
  return indices.size - 1
}

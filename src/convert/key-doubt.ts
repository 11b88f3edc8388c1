/**
 * Records whose keys DuckDB might read otherwise than jq: found on the bytes of a whole frame, before DuckDB sees them.
 *
 * - DuckDB takes trailing commas, NaN and Infinity for JSON, vertical tabs and form feeds for white space.
 * - Of two equal keys it takes the first, jq the last.
 * - It prints numbers in its own way: those with a fraction, an exponent, a minus zero or many digits are left to jq.
 * - It gives an object, an array and a number as text like any other.
 * - jq has a limit of depth.
 *
 * Names of keys are looked for as they are written; a record with an escape that could stand for a character of one is in
 * doubt. Where a name is there more than once, its places are told apart by walking through the record. Doubting too much is
 * slow, never wrong.
 */
import { isUtf8 } from 'node:buffer'
import type { Frame } from '../domain/frame.ts'
import type { KeyNode, KeyPlan } from './key-plan.ts'
import { RecordWalk, SURE_EPOCH, SURE_TEXT } from './key-walk.ts'

/** The ordinals, within a frame and ascending, of the records that are left to jq. */
export type FindDoubtfulKeys = (frame: Frame) => readonly number[]

const OPEN_BRACE = 0x7b
const BACKSLASH = 0x5c
/** An object and its key take two places of jq's 256, and the block that holds the records takes one. */
const OPEN_OBJECTS_MAX = 127

export function doubtfulKeys({ root }: KeyPlan): FindDoubtfulKeys {
  const names = namesOf(root)
  const patterns = Array.from(names, ([name, nodes]) => namePattern(name, nodes))
  const escapes = escapePattern([...names.keys()])
  return (frame) => {
    const payload = frame.payload
    const text = payload.toString('latin1')
    const ends = recordEnds(frame)
    const marks = new Uint8Array(frame.records)
    markAt(marks, DOUBT, loosePlaces(text), ends)
    if (payload.includes(0x0b) || payload.includes(0x0c)) markAt(marks, DOUBT, places(SPACES, text), ends)
    if (payload.includes(BACKSLASH)) markAt(marks, DOUBT, places(escapes, text), ends)
    for (const pattern of patterns) markAt(marks, WALK, places(pattern, text), ends)
    if (text.length > 2 * OPEN_OBJECTS_MAX) markDeep(marks, text, ends)
    const doubtful: number[] = []
    let start = 0
    for (let index = 0; index < ends.length; index += 1) {
      const end = ends[index] ?? 0
      if (
        isDoubtful(marks[index] ?? 0, text, start, end, root) ||
        (frame.isOdd && isOdd(payload.subarray(start, end)))
      )
        doubtful.push(index)
      start = end + 1
    }
    return doubtful
  }
}

/** Marks of a record: it is in doubt; it must be walked through. */
const DOUBT = 1
const WALK = 2

function isDoubtful(
  mark: number,
  text: string,
  start: number,
  end: number,
  root: ReadonlyMap<string, KeyNode>,
): boolean {
  if ((mark & DOUBT) !== 0 || text.charCodeAt(start) !== OPEN_BRACE) return true
  return (mark & WALK) !== 0 && !new RecordWalk(text.slice(start, end)).isSure(root)
}

/** Where each record ends. */
function recordEnds(frame: Frame): Uint32Array {
  const ends = new Uint32Array(frame.records)
  let start = 0
  for (let index = 0; index < ends.length; index += 1) {
    ends[index] = start + frame.length(index)
    start += frame.length(index) + 1
  }
  return ends
}

function* places(pattern: RegExp, text: string): Generator<number> {
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) yield match.index
}

/** Marks the records that hold these places, which ascend. */
function markAt(marks: Uint8Array, as: number, at: Iterable<number>, ends: Uint32Array): void {
  let index = 0
  for (const place of at) {
    while ((ends[index] ?? Infinity) < place) index += 1
    marks[index] = (marks[index] ?? 0) | as
  }
}

/** A comma that nothing follows; what might be a number that is none. Few alternatives, or the pattern takes ten times as long. */
const LOOSE = /,[ \t]*[}\]]|[iI][nN][fF]|[nN][aA][nN]/g
const SPACES = /[\v\f]/g
const COMMA = 0x2c

function* loosePlaces(text: string): Generator<number> {
  for (const place of places(LOOSE, text))
    if (text.charCodeAt(place) === COMMA || isValueAt(text, place)) yield place
}

/** What begins there stands where a value begins. */
function isValueAt(text: string, place: number): boolean {
  let before = place - 1
  if (text[before] === '-') before -= 1
  while (text[before] === ' ' || text[before] === '\t') before -= 1
  return ',:['.includes(text[before] ?? '')
}

/**
 * Finds a name whose value is not beyond doubt, or that is there again in its record. Names between which nothing is found
 * cost next to nothing.
 */
function namePattern(name: string, nodes: readonly KeyNode[]): RegExp {
  const quoted = `"${name.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')}"`
  const unsure = nodes.flatMap(({ leaf, element }) => {
    if (element !== undefined) return ['\\[']
    return leaf === undefined ? [] : [`(?!${leaf === 'text' ? SURE_TEXT : SURE_EPOCH})`]
  })
  const values = unsure.length === 0 ? '' : `[ \\t]*:[ \\t]*(?:${unsure.join('|')})|`
  return new RegExp(`${quoted}(?:${values}[^\\n]*?${quoted})`, 'g')
}

/** The names in the tree, and the places at which each is. */
function namesOf(
  fields: ReadonlyMap<string, KeyNode>,
  names: Map<string, KeyNode[]> = new Map(),
): Map<string, KeyNode[]> {
  for (const [name, node] of fields) {
    names.set(name, [...(names.get(name) ?? []), node])
    let inner: KeyNode | undefined = node
    while (inner?.element !== undefined) inner = inner.element
    if (inner?.fields !== undefined) namesOf(inner.fields, names)
  }
  return names
}

/** Marks the records that have so many brackets that jq might find them too deep. */
function markDeep(marks: Uint8Array, text: string, ends: Uint32Array): void {
  const open = new Uint32Array(ends.length)
  for (const bracket of ['{', '[']) {
    let index = 0
    for (let place = text.indexOf(bracket); place !== -1; place = text.indexOf(bracket, place + 1)) {
      while ((ends[index] ?? Infinity) < place) index += 1
      const count = (open[index] ?? 0) + 1
      open[index] = count
      if (count === OPEN_OBJECTS_MAX) marks[index] = DOUBT
    }
  }
}

const ODD_BYTES = [0x0a, 0x0d, 0x00, 0x01]

/** As FrameFlag.odd, of one record. */
function isOdd(record: Buffer): boolean {
  return (
    record.length === 0 ||
    ODD_BYTES.some((byte) => record.includes(byte)) ||
    record.includes('\ufeff') ||
    !isUtf8(record)
  )
}

/** An escape that stands for a character of a name, or for NUL. */
function escapePattern(names: readonly string[]): RegExp {
  const areWords = names.every((name) => /^[a-zA-Z0-9_]+$/.test(name))
  return areWords ? /\\u00(?:00|3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])/g : /\\(?:\/|u00[0-7])/g
}

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
import { RecordWalk, isSureLeaf, skipSpace } from './key-walk.ts'

/** The ordinals, within a frame and ascending, of the records that are left to jq. */
export type FindDoubtfulKeys = (frame: Frame) => readonly number[]

const OPEN_BRACE = 0x7b
const COLON = 0x3a
/** An object and its key take two places of jq's 256, and the block that holds the records takes one. */
const OPEN_OBJECTS_MAX = 127

export function doubtfulKeys({ root }: KeyPlan): FindDoubtfulKeys {
  const names = [...namesOf(root)].map(([name, nodes]) => ({ quoted: `"${name}"`, nodes }))
  const pattern = doubtPattern(names.map(({ quoted }) => quoted))
  return (frame) => {
    const payload = frame.payload
    const text = payload.toString('latin1')
    const ends = recordEnds(frame)
    const found = new Uint8Array(frame.records)
    for (const index of recordsOf(matches(pattern, text), ends)) found[index] = DOUBT
    for (const { quoted, nodes } of names) markByName(text, ends, quoted, nodes, found)
    const doubtful: number[] = []
    let start = 0
    for (const [index, end] of ends.entries()) {
      if (
        isDoubtful(found[index] ?? 0, text, start, end, root) ||
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
  if (end - start > 2 * OPEN_OBJECTS_MAX && isDeep(text, start, end)) return true
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

function* matches(pattern: RegExp, text: string): Generator<number> {
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) yield match.index
}

/** The records that hold these places, which ascend. */
function* recordsOf(places: Iterable<number>, ends: Uint32Array): Generator<number> {
  let index = 0
  for (const place of places) {
    while ((ends[index] ?? Infinity) < place) index += 1
    yield index
  }
}

/** Looks at each place of a name: at one in a record quickly, at several by a walk. */
function markByName(
  text: string,
  ends: Uint32Array,
  quoted: string,
  nodes: readonly KeyNode[],
  found: Uint8Array,
): void {
  let index = 0
  let last = -1
  for (let place = text.indexOf(quoted); place !== -1; place = text.indexOf(quoted, place + quoted.length)) {
    while ((ends[index] ?? Infinity) < place) index += 1
    if (index === last || !isSureValue(text, place + quoted.length, nodes))
      found[index] = (found[index] ?? 0) | WALK
    last = index
  }
}

/** Of what follows a name; true as well when it is not a key. */
function isSureValue(text: string, after: number, nodes: readonly KeyNode[]): boolean {
  const colon = skipSpace(text, after)
  if (text.charCodeAt(colon) !== COLON) return true
  const value = skipSpace(text, colon + 1)
  return nodes.every(({ leaf, element }) =>
    leaf === undefined ? element === undefined : isSureLeaf(text, value, leaf),
  )
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

function isDeep(text: string, start: number, end: number): boolean {
  let open = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket, start); at !== -1 && at < end; at = text.indexOf(bracket, at + 1)) {
      open += 1
      if (open >= OPEN_OBJECTS_MAX) return true
    }
  }
  return false
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

function doubtPattern(quoted: readonly string[]): RegExp {
  const areWords = quoted.every((name) => /^"[a-zA-Z0-9_]+"$/.test(name))
  // An escape that stands for a character of a name, or for NUL.
  const escape = areWords
    ? '\\\\u00(?:00|3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])'
    : '\\\\(?:/|u00[0-7])'
  return new RegExp(`,[ \\t]*[}\\]]|[,:[][ \\t]*-?(?:[iI][nN][fF]|[nN][aA][nN])|[\\v\\f]|${escape}`, 'g')
}

/**
 * The values of a query's keys, read without jq: quickest from the records that are written as most are (key-layout), byte by
 * byte from others that leave no doubt (key-scan). What is left is jq's.
 */
import { isUtf8 } from 'node:buffer'
import type { Frame } from '../../domain/frame.ts'
import { blankEndOf } from '../../domain/json-bytes.ts'
import { RecordLayout, type LayoutOptions } from '../../domain/record-layout/layout.ts'
import { KEY_VALUE_BYTES_MAX } from '../jq/query-program.ts'
import type { KeyExpression, QueryKey } from './key-expression.ts'
import { keyLayout, type KeyPlace } from './key-layout.ts'
import { KeyScan } from './key-scan.ts'
import { keyTree } from './key-tree.ts'
import { secondsTold, utcFormat } from './utc-format.ts'

/** Values, null for one that is null or missing. */
export type QuickValues = readonly (string | null)[]

/** Answers what stands for values; the same for the same ones. */
export type NumberOf = (values: QuickValues) => number

/** A record is left to jq. */
export const LEFT_TO_JQ = 0xffff_ffff

/** So many texts whose numbers were asked for are kept, unless they are longer: some MiB, and a third of the time. */
const KNOWN_MAX = 16_384
const KNOWN_LENGTH_MAX = 128

/** The text of a scalar, its bytes as characters, as it is written in a record; empty where there is none. */
type Written = string

/** Makes a value; undefined when jq has to. */
type MakeValue = (written: Written) => string | null | undefined

export interface QuickKeysOptions {
  readonly keys: readonly QueryKey[]
  /** Keys whose values are numbered; those of the others must be beyond doubt as well. */
  readonly wanted: readonly string[]
  readonly numberOf: NumberOf
  readonly layout?: LayoutOptions | undefined
}

export class QuickKeys {
  readonly #layout: RecordLayout<KeyPlace>
  readonly #scan: KeyScan
  readonly #makes: readonly MakeValue[]
  /** The leaf of each expression. */
  readonly #leafOf: readonly number[]
  /** By key that is wanted: the place of its expression. */
  readonly #wanted: readonly number[]
  /** By leaf: so many seconds after one another make the same text, or 0 where it is no moment. */
  readonly #secondsOf: readonly number[]
  readonly #numberOf: NumberOf
  readonly #known = new Map<string, number>()

  constructor({ keys, wanted, numberOf, layout }: QuickKeysOptions) {
    const expressions = keys.map(({ expression }) => expression)
    const tree = keyTree(expressions)
    this.#layout = new RecordLayout([keyLayout(tree)], layout)
    this.#scan = new KeyScan(tree)
    this.#leafOf = tree.leafOf
    this.#makes = expressions.map((expression) => makeValue(expression))
    this.#wanted = wanted.map((name) => keys.findIndex(({ key }) => key === name))
    this.#secondsOf = Array.from({ length: tree.leaves }, (_, leaf) =>
      secondsOf(expressions.filter((_expression, index) => tree.leafOf[index] === leaf)),
    )
    this.#numberOf = numberOf
  }

  /**
   * Calls `take` with the number of each record's values, or LEFT_TO_JQ, in order.
   *
   * @param isWanted false of a record whose values must not be numbered
   */
  read(
    frame: Frame,
    isWanted: (index: number) => boolean,
    take: (index: number, number: number) => void,
  ): void {
    const { payload, records, isOdd } = frame
    const text = payload.toString('latin1')
    const leaves = this.#secondsOf.map((): Written => '')
    this.#layout.open(frame, text)
    let start = 0
    for (let index = 0; index < records; index += 1) {
      const end = start + frame.length(index)
      const isSure =
        isWanted(index) &&
        (!isOdd || isUtf8(payload.subarray(start, end))) &&
        (this.#readLayout(text, start, end, leaves) || this.#readBytes(frame, text, start, end, leaves))
      take(index, isSure ? this.#number(leaves) : LEFT_TO_JQ)
      start = end + 1
    }
  }

  #readLayout(text: string, start: number, end: number, leaves: Written[]): boolean {
    const match = this.#layout.match(start, blankEndOf(text, start, end))
    if (match === undefined) return false
    const { captured } = this.#layout
    leaves.fill('')
    for (let index = 0; index < captured.length; index += 1) {
      const place = captured[index]
      if (place !== undefined) leaves[place.leaf] = match[index + 1] ?? ''
    }
    return true
  }

  #readBytes({ payload }: Frame, text: string, start: number, end: number, leaves: Written[]): boolean {
    const scan = this.#scan
    if (!scan.isSure(payload, start, end)) return false
    for (let leaf = 0; leaf < leaves.length; leaf += 1)
      leaves[leaf] = text.slice(scan.starts[leaf], scan.ends[leaf])
    return true
  }

  #number(leaves: readonly Written[]): number {
    const text = leaves.length === 1 ? this.#partOf(leaves[0] ?? '', 0) : this.#parts(leaves)
    const before = this.#known.get(text)
    if (before !== undefined) return before
    const number = this.#numberOfValues(leaves)
    if (this.#known.size < KNOWN_MAX && text.length <= KNOWN_LENGTH_MAX) this.#known.set(owned(text), number)
    return number
  }

  /** Scalars between commas are no other scalars. */
  #parts(leaves: readonly Written[]): string {
    let text = ''
    for (let leaf = 0; leaf < leaves.length; leaf += 1) text += `${this.#partOf(leaves[leaf] ?? '', leaf)},`
    return text
  }

  /** Two that are equal make equal values. */
  #partOf(written: Written, leaf: number): string {
    const seconds = this.#secondsOf[leaf] ?? 0
    return seconds > 0 && EPOCH.test(written) ? String(Math.floor(Number(written) / seconds)) : written
  }

  #numberOfValues(leaves: readonly Written[]): number {
    if (leaves.some((written) => written.length > WRITTEN_LENGTH_MAX)) return LEFT_TO_JQ
    const values: (string | null)[] = []
    for (const [index, make] of this.#makes.entries()) {
      const value = make(owned(leaves[this.#leafOf[index] ?? 0] ?? ''))
      if (value === undefined) return LEFT_TO_JQ
      values.push(value)
    }
    return this.#numberOf(this.#wanted.map((place) => values[place] ?? null))
  }
}

/** A text that is no part of another, which would be kept with it. */
const owned = (text: Written): Written => Buffer.from(text, 'latin1').toString('latin1')

/** A value that may be a key, between quotation marks. */
const WRITTEN_LENGTH_MAX = KEY_VALUE_BYTES_MAX + 2

function makeValue({ otherwise, toText, strftime }: KeyExpression): MakeValue {
  if (strftime !== undefined) {
    const format = utcFormat(strftime)
    return (written) => (EPOCH.test(written) ? format(Number(written)) : undefined)
  }
  return (written) => {
    const isNothing = written === '' || written === 'null'
    if (otherwise !== undefined && (isNothing || written === 'false')) return otherwise
    if (isNothing) return toText === true ? 'null' : null
    return written.startsWith('"') ? textOf(written) : written
  }
}

/** Of the expressions of one leaf. */
function secondsOf(expressions: readonly KeyExpression[]): number {
  const each = expressions.map(({ strftime }) => (strftime === undefined ? 0 : secondsTold(strftime)))
  return Math.min(...each)
}

/** Seconds up to the year 5138. */
const EPOCH = /^(?:0|[1-9][0-9]{0,10})$/

/** Escapes of NUL and of surrogates are jq's. */
const DOUBTFUL_ESCAPE = /\\u(?:0000|[dD][89a-fA-F])/

/** @param written between quotation marks */
function textOf(written: Written): string | undefined {
  if (DOUBTFUL_ESCAPE.test(written)) return undefined
  return JSON.parse(Buffer.from(written, 'latin1').toString()) as string
}

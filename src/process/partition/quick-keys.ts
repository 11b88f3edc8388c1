/** The values of a query's keys, read without jq from the records that leave no doubt (key-scan). Others are left to jq. */
import { isUtf8 } from 'node:buffer'
import type { Frame } from '../../domain/frame.ts'
import { KEY_VALUE_BYTES_MAX } from '../jq/query-program.ts'
import type { KeyExpression, QueryKey } from './key-expression.ts'
import { KeyScan, LEAF } from './key-scan.ts'
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

/** What makes a value of a leaf; undefined when jq has to. */
type MakeValue = (kind: number, text: string) => string | null | undefined

export class QuickKeys {
  readonly #scan: KeyScan
  readonly #makes: readonly MakeValue[]
  /** The leaf of each expression. */
  readonly #leafOf: readonly number[]
  /** By key that is wanted: the place of its expression. */
  readonly #wanted: readonly number[]
  /** By leaf: so many seconds after one another make the same text, or 0 where it is no moment. */
  readonly #secondsOf: readonly number[]
  readonly #numberOf: NumberOf
  /** By kind, where there is one leaf; else in the first. */
  readonly #known = Object.values(LEAF).map(() => new Map<string, number>())
  #payload: Buffer = Buffer.alloc(0)

  /** @param wanted keys whose values are numbered; those of the others must be beyond doubt as well */
  constructor(keys: readonly QueryKey[], wanted: readonly string[], numberOf: NumberOf) {
    const expressions = keys.map(({ expression }) => expression)
    const tree = keyTree(expressions)
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
    this.#payload = payload
    let start = 0
    for (let index = 0; index < records; index += 1) {
      const end = start + frame.length(index)
      const isSure =
        isWanted(index) &&
        (!isOdd || isUtf8(payload.subarray(start, end))) &&
        this.#scan.isSure(payload, start, end)
      take(index, isSure ? this.#number() : LEFT_TO_JQ)
      start = end + 1
    }
  }

  /** Of the record that was read last. */
  #number(): number {
    const { kinds } = this.#scan
    for (let leaf = 0; leaf < kinds.length; leaf += 1)
      if (this.#bytesOf(leaf) > KEY_VALUE_BYTES_MAX) return LEFT_TO_JQ
    const isOne = kinds.length === 1
    const known = this.#known[isOne ? (kinds[0] ?? 0) : 0]
    const text = isOne ? this.#partOf(0) : this.#parts()
    const before = known?.get(text)
    if (before !== undefined) return before
    const number = this.#numberOfValues()
    if (known !== undefined && known.size < KNOWN_MAX && text.length <= KNOWN_LENGTH_MAX)
      known.set(text, number)
    return number
  }

  /** The kind and length of each part is told, so that no two lists of parts make one text. */
  #parts(): string {
    let text = ''
    for (const [leaf, kind] of this.#scan.kinds.entries()) {
      const part = this.#partOf(leaf)
      text += `${kind} ${part.length} ${part}`
    }
    return text
  }

  /** Two of one kind that are equal make equal values. */
  #partOf(leaf: number): string {
    const kind = this.#scan.kinds[leaf] ?? 0
    const text = this.#textOf(leaf)
    const seconds = this.#secondsOf[leaf] ?? 0
    const isMoment = seconds > 0 && kind === LEAF.plain && EPOCH.test(text)
    return isMoment ? String(Math.floor(Number(text) / seconds)) : text
  }

  #bytesOf(leaf: number): number {
    const { kinds, starts, ends } = this.#scan
    return kinds[leaf] === LEAF.nothing ? 0 : (ends[leaf] ?? 0) - (starts[leaf] ?? 0)
  }

  /** As it is written. */
  #textOf(leaf: number): string {
    const { kinds, starts, ends } = this.#scan
    const kind = kinds[leaf]
    if (kind === LEAF.nothing) return ''
    const encoding = kind === LEAF.writtenString ? 'utf8' : 'latin1'
    return this.#payload.toString(encoding, starts[leaf], ends[leaf])
  }

  #numberOfValues(): number {
    const values: (string | null)[] = []
    for (const [index, make] of this.#makes.entries()) {
      const leaf = this.#leafOf[index] ?? 0
      const value = make(this.#scan.kinds[leaf] ?? 0, this.#textOf(leaf))
      if (value === undefined) return LEFT_TO_JQ
      values.push(value)
    }
    return this.#numberOf(this.#wanted.map((place) => values[place] ?? null))
  }
}

function makeValue({ otherwise, toText, strftime }: KeyExpression): MakeValue {
  if (strftime !== undefined) {
    const format = utcFormat(strftime)
    return (kind, text) => (kind === LEAF.plain && EPOCH.test(text) ? format(Number(text)) : undefined)
  }
  return (kind, text) => {
    const isReplaced = otherwise !== undefined && (kind === LEAF.nothing || kind === LEAF.false)
    if (isReplaced) return otherwise
    if (kind === LEAF.nothing) return toText === true ? 'null' : null
    return kind === LEAF.writtenString ? unescaped(text) : text
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

function unescaped(text: string): string | undefined {
  return DOUBTFUL_ESCAPE.test(text) ? undefined : (JSON.parse(`"${text}"`) as string)
}

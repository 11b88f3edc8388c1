/**
 * How most records of a batch are written: one program made them, with the same keys in the same order. To match the pattern
 * of such a layout takes a third of the time that it takes to find out what a record is. What it matches is one JSON object
 * (RFC 8259, where the bytes are UTF-8); but for maps its keys are known, each there once and without an escape; and there is
 * no more than a space behind a colon or a comma. Of a record that it does not match it says nothing.
 *
 * It is learnt from the first records of a batch that has many, and again where too few are written so: which records it
 * matches is a function of the frames alone. Of several rules the first ones count whose pattern has most of the records
 * that it was learnt from, or else the last ones.
 */
import type { Frame } from '../frame.ts'
import { blankEndOf } from '../json-bytes.ts'
import { layoutPattern, type LayoutPattern } from './pattern.ts'
import type { LayoutRules } from './rules.ts'
import { seenIn } from './seen.ts'

/** Of the records between two judgements, or of the first ones. */
const EXAMPLES = 30
const EXAMPLE_BYTES_MAX = 16 * 1024
/** A longer record is not matched: the pattern takes memory for each element of an array. */
const RECORD_BYTES_MAX = 64 * 1024
/** To learn a layout of eight members takes as long as it saves for so many records. */
const JUDGED_AFTER = 4_096
/** The first one is learnt from so many. */
const FIRST_RECORDS = 8 * EXAMPLES
/** Layouts one after another that were no good, until no more is learnt: a batch of no program costs no more than this. */
const FAILED_MAX = 3
/** Of the records: a layout that has fewer is no good. */
const MATCHED_SHARE = 3 / 4

export interface LayoutOptions {
  /** Every so many records a layout is kept, or learnt again; a batch of fewer has none. */
  readonly judgedAfter?: number
  /** Of the batch, where they are known. */
  readonly records?: number
}

interface Example {
  readonly text: string
  readonly value: object
}

export class RecordLayout<Place> {
  readonly #ways: readonly LayoutRules<Place>[]
  readonly #judgedAfter: number
  #pattern: LayoutPattern<Place> | undefined
  #way: number | undefined
  /** Records until the next judgement, counted from the one before. */
  #window: number
  #isUndecided = true
  #isGivenUp: boolean
  #failed = 0
  #text = ''
  /** Since the last judgement. */
  #tried = 0
  #matched = 0
  #examples: Example[] = []

  /** @param ways rules, of which the first ones count that most records keep to */
  constructor(
    ways: readonly LayoutRules<Place>[],
    { judgedAfter = JUDGED_AFTER, records = Infinity }: LayoutOptions = {},
  ) {
    this.#ways = ways
    this.#judgedAfter = judgedAfter
    this.#window = Math.min(judgedAfter, FIRST_RECORDS)
    this.#isGivenUp = records < judgedAfter || judgedAfter === Infinity
  }

  /** Which of the ways the layout keeps to; undefined while there is none. */
  get way(): number | undefined {
    return this.#way
  }

  /** The first records are not judged yet. */
  get isUndecided(): boolean {
    return this.#isUndecided && !this.#isGivenUp
  }

  /** Places whose text is captured, in the order of the groups of a match. */
  get captured(): readonly Place[] {
    return this.#pattern?.captured ?? []
  }

  /** The frame whose records are asked about next. @param text its payload, each byte a character */
  open(frame: Frame, text: string): void {
    this.#text = text
    if (this.#isGivenUp) return
    if (this.#pattern === undefined || !this.#hasMany()) this.#takeExamples(frame)
    const judged = this.#tried + (this.#isUndecided ? frame.records : 0)
    if (judged < this.#window) return
    this.#isUndecided = false
    if (this.#pattern === undefined || !this.#isGood()) this.#learn()
    this.#window = this.#judgedAfter
    this.#tried = 0
    this.#matched = 0
    this.#examples = []
  }

  /** Whether the record that stands there, without the white space that it ends in, has the layout. */
  has(start: number, end: number): boolean {
    const regExp = this.#at(start, end)
    return regExp !== undefined && regExp.test(this.#text) && this.#isWhole(regExp, end)
  }

  /** The captured texts of the record that stands there, behind that of all of it; undefined when it has not the layout. */
  match(start: number, end: number): RegExpExecArray | undefined {
    const regExp = this.#at(start, end)
    const match = regExp?.exec(this.#text) ?? undefined
    return match !== undefined && regExp !== undefined && this.#isWhole(regExp, end) ? match : undefined
  }

  #at(start: number, end: number): RegExp | undefined {
    this.#tried += 1
    const regExp = this.#pattern?.regExp
    if (regExp === undefined || end - start > RECORD_BYTES_MAX) return undefined
    regExp.lastIndex = start
    return regExp
  }

  #isWhole({ lastIndex }: RegExp, end: number): boolean {
    if (lastIndex !== end) return false
    this.#matched += 1
    return true
  }

  /** A record that does not match costs more than without a layout. */
  #hasMany(): boolean {
    return this.#matched >= MATCHED_SHARE * this.#tried
  }

  #isGood(): boolean {
    const isGood = this.#hasMany()
    if (isGood) this.#failed = 0
    return isGood
  }

  #learn(): void {
    this.#isGivenUp = this.#failed === FAILED_MAX
    this.#failed += 1
    this.#pattern = undefined
    this.#way = undefined
    if (this.#isGivenUp) return
    for (const [way, rules] of this.#ways.entries()) {
      const pattern = this.#learnBy(rules)
      const isLast = way === this.#ways.length - 1
      if (pattern === undefined || !(isLast || this.#hasMost(pattern))) continue
      this.#pattern = pattern
      this.#way = way
      return
    }
  }

  #learnBy(rules: LayoutRules<Place>): LayoutPattern<Place> | undefined {
    const values = this.#examples.map(({ value }) => value)
    const members = seenIn(values, rules)?.members
    const hasEscapes = this.#examples.some(({ text }) => text.includes('\\'))
    if (members === undefined) return undefined
    const withEscapes = hasEscapes ? layoutPattern(members, rules, true) : undefined
    // Without them it may be short enough.
    return withEscapes ?? layoutPattern(members, rules, false)
  }

  /** Whether it is the layout of most of the examples that it was learnt from. */
  #hasMost({ regExp }: LayoutPattern<Place>): boolean {
    const matched = this.#examples.filter(({ text }) => {
      regExp.lastIndex = 0
      return regExp.test(text) && regExp.lastIndex === text.length
    })
    return matched.length >= MATCHED_SHARE * this.#examples.length
  }

  /** About as many of each frame as its share of the records is. */
  #takeExamples(frame: Frame): void {
    const step = Math.max(1, Math.ceil(this.#window / EXAMPLES))
    let next = this.#examples.length * step - this.#tried
    if (next >= frame.records) return
    const isExample = (text: string): boolean => this.#ways.every((rules) => rules.isExample(text))
    let start = 0
    for (let index = 0; index < frame.records && this.#examples.length < EXAMPLES; index += 1) {
      const end = start + frame.length(index)
      if (index >= next && end - start <= EXAMPLE_BYTES_MAX) {
        const text = this.#text.slice(start, blankEndOf(this.#text, start, end))
        const value = isExample(text) ? objectOf(text) : undefined
        if (value !== undefined) this.#examples.push({ text, value })
        next = index + step
      }
      start = end + 1
    }
  }
}

function objectOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

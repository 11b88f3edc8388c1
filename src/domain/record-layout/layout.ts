/**
 * How most records of a batch are written: one program made them, with the same keys in the same order. To match the pattern
 * of such a layout takes a third of the time that it takes to find out what a record is. What it matches is one JSON object
 * (RFC 8259, where the bytes are UTF-8); but for maps its keys are known, each there once and without an escape; and there is
 * no more than a space behind a colon or a comma. Of a record that it does not match it says nothing.
 *
 * It is learnt from some records once a batch has many, and again where too few are written so: which records it matches is
 * a function of the frames alone.
 */
import type { Frame } from '../frame.ts'
import { layoutPattern, type LayoutPattern } from './pattern.ts'
import type { LayoutRules } from './rules.ts'
import { seenIn } from './seen.ts'

/** Of the records between two judgements. */
const EXAMPLES = 30
const EXAMPLE_BYTES_MAX = 16 * 1024
/** A longer record is not matched: the pattern takes memory for each element of an array. */
const RECORD_BYTES_MAX = 64 * 1024
/** To learn a layout of eight members takes as long as it saves for so many records. */
const JUDGED_AFTER = 4_096
/** Layouts one after another that were no good, until no more is learnt: a batch of no program costs no more than this. */
const FAILED_MAX = 3

export interface LayoutOptions {
  /** After so many records a layout is learnt, kept, or learnt again. */
  readonly judgedAfter?: number
}

export class RecordLayout<Place> {
  readonly #rules: LayoutRules<Place>
  readonly #judgedAfter: number
  #pattern: LayoutPattern<Place> | undefined
  #isGivenUp = false
  #failed = 0
  #text = ''
  /** Since the last judgement. */
  #tried = 0
  #matched = 0
  #examples: object[] = []

  constructor(rules: LayoutRules<Place>, { judgedAfter = JUDGED_AFTER }: LayoutOptions = {}) {
    this.#rules = rules
    this.#judgedAfter = judgedAfter
  }

  /** Places whose text is captured, in the order of the groups of a match. */
  get captured(): readonly Place[] {
    return this.#pattern?.captured ?? []
  }

  /** The frame whose records are asked about next. @param text its payload, each byte a character */
  open(frame: Frame, text: string): void {
    this.#text = text
    if (this.#isGivenUp) return
    this.#takeExamples(frame)
    if (this.#tried < this.#judgedAfter) return
    if (this.#pattern === undefined || !this.#isGood()) this.#learn()
    this.#tried = 0
    this.#matched = 0
    this.#examples = []
  }

  /** Whether the record that stands there has the layout. */
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
  #isGood(): boolean {
    const isGood = 4 * this.#matched >= 3 * this.#tried
    if (isGood) this.#failed = 0
    return isGood
  }

  #learn(): void {
    this.#isGivenUp = this.#failed === FAILED_MAX
    this.#failed += 1
    const seen = this.#isGivenUp ? undefined : seenIn(this.#examples, this.#rules)
    this.#pattern = seen?.members === undefined ? undefined : layoutPattern(seen.members, this.#rules)
  }

  /** About as many of each frame as its share of the records is. */
  #takeExamples(frame: Frame): void {
    const step = Math.max(1, Math.ceil(this.#judgedAfter / EXAMPLES))
    let next = this.#examples.length * step - this.#tried
    if (next >= frame.records) return
    let start = 0
    for (let index = 0; index < frame.records && this.#examples.length < EXAMPLES; index += 1) {
      const end = start + frame.length(index)
      if (index >= next && end - start <= EXAMPLE_BYTES_MAX) {
        const text = this.#text.slice(start, end)
        const example = this.#rules.isExample(text) ? objectOf(text) : undefined
        if (example !== undefined) this.#examples.push(example)
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

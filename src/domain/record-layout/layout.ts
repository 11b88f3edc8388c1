/**
 * How most records of a batch are written: one program made them, with the same keys in the same order. To match the pattern
 * of such a layout takes a third of the time that it takes to find out what a record is. What it matches is one JSON object
 * (RFC 8259, where the bytes are UTF-8) of keys that are known, each there once, without an escape and with no more than a
 * space behind a colon or a comma. Of a record that it does not match it says nothing.
 *
 * It is learnt from some records of a frame once a batch has many, and again where few are written so: which records it
 * matches is a function of the frames alone.
 */
import type { Frame } from '../frame.ts'
import { layoutPattern, type LayoutPattern } from './pattern.ts'
import type { LayoutRules } from './rules.ts'
import { seenIn } from './seen.ts'

/** Examples of a frame, from all over it. */
const EXAMPLES = 30
/** A longer record is not matched: the pattern takes memory for each element of an array. */
const RECORD_BYTES_MAX = 64 * 1024
/** To learn a layout of eight members takes as long as it saves for so many records. */
const TRIED_MIN = 4_096
const LEARNT_MAX = 16

export interface LayoutOptions {
  /** It is learnt when so many records were asked about of which no more than half had the one before. */
  readonly triedMin?: number
}

export class RecordLayout<Place> {
  readonly #rules: LayoutRules<Place>
  readonly #triedMin: number
  #pattern: LayoutPattern<Place> | undefined
  #text = ''
  #learnt = 0
  #tried = 0
  #matched = 0

  constructor(rules: LayoutRules<Place>, { triedMin = TRIED_MIN }: LayoutOptions = {}) {
    this.#rules = rules
    this.#triedMin = triedMin
  }

  /** Places whose text is captured, in the order of the groups of a match. */
  get captured(): readonly Place[] {
    return this.#pattern?.captured ?? []
  }

  /** The frame whose records are asked about next. @param text its payload, each byte a character */
  open(frame: Frame, text: string): void {
    this.#text = text
    if (this.#tried < this.#triedMin || 2 * this.#matched > this.#tried || this.#learnt > LEARNT_MAX) return
    this.#pattern = this.#learnt === LEARNT_MAX ? undefined : this.#patternOf(frame)
    this.#learnt += 1
    this.#tried = 0
    this.#matched = 0
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

  #patternOf(frame: Frame): LayoutPattern<Place> | undefined {
    const seen = seenIn(this.#examples(frame), this.#rules)
    return seen?.members === undefined ? undefined : layoutPattern(seen.members, this.#rules)
  }

  #examples(frame: Frame): readonly object[] {
    const examples: object[] = []
    const step = Math.max(1, Math.floor(frame.records / EXAMPLES))
    let start = 0
    for (let index = 0; index < frame.records && examples.length < EXAMPLES; index += 1) {
      const end = start + frame.length(index)
      if (index % step === 0 && end - start <= RECORD_BYTES_MAX) {
        const text = this.#text.slice(start, end)
        const example = this.#rules.isExample(text) ? objectOf(text) : undefined
        if (example !== undefined) examples.push(example)
      }
      start = end + 1
    }
    return examples
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

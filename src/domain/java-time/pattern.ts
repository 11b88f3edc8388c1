/**
 * The patterns of java.time's DateTimeFormatter, read and printed as JDK 17 does in English. An optional section prints
 * like all else, since a time has every field, so brackets leave no trace in what was read.
 */
import { printerOf } from './letters.ts'
import type { ZonedTime } from './zoned-time.ts'

/** A run of one letter (`yyyy`: letter y, count 4), `width` wide where padded with blanks (`pppH`), or literal text. */
export type PatternPart =
  | { readonly letter: string; readonly count: number; readonly width?: number; readonly literal?: never }
  | { readonly literal: string; readonly letter?: never }

export type Pattern = readonly PatternPart[]

/** Letters, quoted text, or any other character that is not reserved. */
const TOKEN = /([A-Za-z])\1*|'(?:[^']|'')*'|[^A-Za-z'{}#]/gy

/** Undefined when DateTimeFormatter.ofPattern throws. Text in single quotes is literal, `''` a quote. */
export function parsePattern(pattern: string): Pattern | undefined {
  const parts: PatternPart[] = []
  const sections = new Sections()
  let end = 0
  let width: number | undefined
  for (const [text, letter] of pattern.matchAll(TOKEN)) {
    end += text.length
    if (width !== undefined && letter === undefined) return undefined
    if (letter === undefined) {
      if (text === '[') sections.open()
      else if (text === ']') {
        if (!sections.close()) return undefined
      } else {
        sections.text()
        append(parts, literalOf(text))
      }
    } else if (letter === 'p') width = text.length
    else {
      const count = text.length
      const printer = printerOf(letter, count)
      if (printer === undefined || !sections.field(printer.isNumber, width !== undefined)) return undefined
      parts.push(width === undefined ? { letter, count } : { letter, count, width })
      width = undefined
    }
  }
  return end === pattern.length && width === undefined ? parts : undefined
}

/** What a pattern prints, or undefined where java.time throws: a field wider than its padding. */
export function formatPattern(pattern: Pattern, time: ZonedTime): string | undefined {
  let printed = ''
  for (const part of pattern) {
    const text = formatPart(part, time)
    if (text === undefined) return undefined
    printed += text
  }
  return printed
}

export function formatPart(part: PatternPart, time: ZonedTime): string | undefined {
  if (part.letter === undefined) return part.literal
  const text = printerOf(part.letter, part.count)?.print(time)
  if (text === undefined || part.width === undefined) return text
  return text.length > part.width ? undefined : text.padStart(part.width)
}

function literalOf(token: string): string {
  if (token === "''") return "'"
  return token.startsWith("'") ? token.slice(1, -1).replaceAll("''", "'") : token
}

function append(parts: PatternPart[], literal: string): void {
  const last = parts.at(-1)
  if (last?.literal === undefined) parts.push({ literal })
  else parts[parts.length - 1] = { literal: last.literal + literal }
}

/**
 * The optional sections that are open, and in each whether a padded number comes right before. JDK 17 throws where digits
 * follow one (`ppHmm`): it tells a number how many digits come after it, and does not look for it under its padding.
 */
class Sections {
  readonly #afterPaddedNumber: boolean[] = [false]

  open(): void {
    this.text()
    this.#afterPaddedNumber.push(false)
  }

  /** @returns false when none is open */
  close(): boolean {
    this.#afterPaddedNumber.pop()
    return this.#afterPaddedNumber.length > 0
  }

  text(): void {
    this.#afterPaddedNumber[this.#afterPaddedNumber.length - 1] = false
  }

  /** @returns false when it cannot stand here */
  field(isNumber: boolean, isPadded: boolean): boolean {
    if (isNumber && !isPadded && this.#afterPaddedNumber.at(-1) === true) return false
    this.#afterPaddedNumber[this.#afterPaddedNumber.length - 1] = isNumber && isPadded
    return true
  }
}

/**
 * Kinds of values that settings hold. Values from the environment are text, so numbers and switches are read from text
 * too. Messages never repeat a value: it may be a secret.
 *
 * `meta.values` says in a few words what may be written; docs/configuration.md shows it.
 */
import { z } from 'zod'
import { KIB, MIB } from '../domain/limits.ts'
import { nearestName } from './nearest-name.ts'

/** A group of settings. A key that is not one of them is a problem of its own, one line of the message for each. */
export function settings<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys')
        return issue.keys.map((key) => unknownKey(key, known)).join('\n')
      return 'must be a map of settings'
    },
  })
}

function unknownKey(key: string, known: readonly string[]): string {
  const nearest = nearestName(key, known)
  if (nearest !== undefined) return `unknown setting; did you mean "${nearest}"?`
  return known.length === 0
    ? 'unknown setting; there is none here'
    : `unknown setting; known here: ${known.join(', ')}`
}

export function text() {
  return z
    .string({ error: (issue) => missing(issue) ?? 'must be text; put it in quotes' })
    .min(1, 'must not be empty')
}

/** URL of what speaks AWS's API. Endpoints are named in logs and hints, so none may hold a secret; the clients would not use it. */
export function endpoint() {
  return text()
    .regex(/^https?:\/\/[^/]/, 'must be a URL that starts with http:// or https://')
    .regex(/^[^@]*$/, 'must hold no user and no password; accessKeyId and secretAccessKey are settings')
}

export function choice<const Names extends readonly [string, ...string[]]>(names: Names) {
  const values = names.join(' or ')
  return z
    .enum(names, { error: (issue) => missing(issue) ?? `must be ${values}${suggestion(issue.input, names)}` })
    .meta({ values })
}

function suggestion(input: unknown, names: readonly string[]): string {
  const nearest = typeof input === 'string' ? nearestName(input, names) : undefined
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`
}

export function wholeNumber(min: number, max: number) {
  const values = `whole number from ${min} to ${max}`
  const message = `must be a ${values}`
  return z.preprocess(
    numberFromText,
    z.int({ error: message }).min(min, message).max(max, message).meta({ values }),
  )
}

/** A number greater than 0. */
export function positiveNumber(max: number) {
  const values = `number above 0, up to ${max}`
  const message = `must be a ${values}`
  return z.preprocess(
    numberFromText,
    z.number({ error: message }).gt(0, message).max(max, message).meta({ values }),
  )
}

/** A number, fractions too. */
export function numberBetween(min: number, max: number) {
  const values = `number from ${min} to ${max}`
  const message = `must be a ${values}`
  return z.preprocess(
    numberFromText,
    z.number({ error: message }).min(min, message).max(max, message).meta({ values }),
  )
}

export function yesOrNo() {
  const values = 'true or false'
  return z.preprocess(
    (input) => (input === 'true' ? true : input === 'false' ? false : input),
    z.boolean({ error: `must be ${values}` }).meta({ values }),
  )
}

/** A moment in ISO 8601 with its zone, to the millisecond. Stays text; `Date.parse` reads it. */
export function time() {
  const values = 'time with its zone, such as 2026-11-01T00:00:00Z'
  const message = `must be a ${values}, in quotes or not`
  return z
    .string({ error: message })
    .refine(isTime, { error: message, abort: true })
    .refine((input) => Date.parse(input) >= 0, 'must not be before 1970')
    .meta({ values })
}

function isTime(input: string): boolean {
  const pattern = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/
  const day = pattern.exec(input)?.[1]
  if (day === undefined || Number.isNaN(Date.parse(input))) return false
  // Date.parse takes the 30th of February for the 2nd of March.
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
}

const units: Readonly<Record<string, number>> = {
  B: 1,
  KiB: KIB,
  MiB: MIB,
  GiB: KIB * MIB,
  TiB: MIB * MIB,
}

/** A number of bytes: plain, or with a unit (`64MiB`). Read as a number. */
export function byteSize(min: number) {
  const message = 'must be a size like 64MiB (B, KiB, MiB, GiB, TiB) or a whole number of bytes'
  const tooSmall = `must be at least ${formatBytes(min)}`
  return z.preprocess(
    bytesFromText,
    z.int({ error: message }).min(min, tooSmall).meta({ values: 'size, such as 64MiB or 4GiB' }),
  )
}

/** The largest unit that divides it: 67108864 is `64MiB`. */
export function formatBytes(bytes: number): string {
  const unit = Object.entries(units).findLast(([, size]) => bytes >= size && bytes % size === 0)
  return unit === undefined ? String(bytes) : `${bytes / unit[1]}${unit[0]}`
}

function bytesFromText(input: unknown): unknown {
  if (typeof input !== 'string') return input
  const [, amount, unit = 'B'] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)?$/.exec(input.trim()) ?? []
  const size = units[unit]
  return amount === undefined || size === undefined ? input : Number(amount) * size
}

function numberFromText(input: unknown): unknown {
  return typeof input === 'string' && /^\s*[+-]?\d+(\.\d+)?\s*$/.test(input) ? Number(input) : input
}

function missing(issue: { readonly input: unknown }): string | undefined {
  return issue.input === undefined ? 'is required' : undefined
}

/**
 * Files of golden cases: what is sent, and what comes back to the byte.
 *
 * In texts `${name}` stands for a variable, `${65 x}` for 65 times x, `${1000 bytes}` for so many bytes as base64. In a body
 * `$times: [500, entry]` stands for a list of 500 such entries. In answers `<record-id>`, `<time>` and `<any>` stand for
 * what differs from run to run.
 */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

const step = z.strictObject({
  /** The operation, as X-Amz-Target has it after its prefix; or the whole header. */
  call: z.string().optional(),
  target: z.string().optional(),
  /** Sent as compact JSON. */
  body: z.unknown().optional(),
  /** Sent as it is. */
  text: z.string().optional(),
  /** Sent as these bytes. */
  hex: z.string().optional(),
  gzip: z.boolean().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  status: z.int().optional(),
  /** The whole body of a success. */
  answer: z.string().optional(),
  /** The same as JSON with white space around. */
  json: z.string().optional(),
  /** The exception and its message. */
  refused: z.record(z.string(), z.string()).optional(),
  /** A ValidationException: the violations in order, as in `'a b' at deliveryStreamName: be short`. */
  violations: z.array(z.string()).optional(),
})

const goldenCase = z.strictObject({
  name: z.string(),
  /** Members of ExtendedS3DestinationConfiguration: `${stream}` is created with them before. */
  given: z.record(z.string(), z.unknown()).optional(),
  /** More members of that CreateDeliveryStream. */
  created: z.record(z.string(), z.unknown()).optional(),
  /** Said by this project only, with the reason; never compared with the real service. */
  own: z.string().optional(),
  ...step.partial().shape,
  steps: z.array(step).optional(),
})

const caseFile = z.strictObject({
  about: z.string(),
  /** Changes nothing and costs nothing on a real account: may be run there. */
  safe: z.boolean(),
  cases: z.array(goldenCase),
})

export type Step = z.infer<typeof step>

export interface GoldenCase {
  readonly name: string
  readonly given: Readonly<Record<string, unknown>> | undefined
  readonly created: Readonly<Record<string, unknown>>
  readonly own: boolean
  readonly safe: boolean
  /** Uses the stream that stands ready. */
  readonly standing: boolean
  readonly steps: readonly Step[]
}

export interface GoldenFile {
  readonly about: string
  readonly cases: readonly GoldenCase[]
}

export function readCases(path: URL): GoldenFile {
  const { about, safe, cases } = caseFile.parse(parse(readFileSync(path, 'utf8')))
  return {
    about,
    cases: cases.map(({ name, given, created = {}, own, steps, ...only }) => ({
      name,
      given,
      created,
      own: own !== undefined,
      safe,
      standing: JSON.stringify([steps, only]).includes('${orders}'),
      steps: steps ?? [only],
    })),
  }
}

export type Variables = Readonly<Record<string, string>>

/** The value with everything filled in that stands for something else. */
export function filled(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') return filledText(value, variables)
  if (Array.isArray(value)) return value.map((item) => filled(item, variables))
  if (typeof value !== 'object' || value === null) return value
  const times: unknown = Reflect.get(value, '$times')
  if (Array.isArray(times))
    return Array.from({ length: Number(times[0]) }, (_, index) =>
      filled(times[1], { ...variables, index: String(index) }),
    )
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, filled(member, variables)]))
}

export function filledText(text: string, variables: Variables): string {
  return text.replaceAll(/\$\{(?:(\d+) )?([^}]+)\}/g, (whole, count: string | undefined, what: string) => {
    if (count === undefined) return variables[what] ?? whole
    return what === 'bytes' ? Buffer.alloc(Number(count), 'x').toString('base64') : what.repeat(Number(count))
  })
}

/** The message of a ValidationException. */
export function violationMessage(violations: readonly string[]): string {
  const sentences = violations.map((violation) => {
    const [, value, path, rule] = /^(?:'(.*)' )?at ([\w.]+): (.*)$/su.exec(violation) ?? []
    if (rule === undefined) throw new Error(`not a violation: ${violation}`)
    const subject = value === undefined ? 'Value' : `Value '${value}'`
    return `${subject} at '${path}' failed to satisfy constraint: ${/^(?:Map|Member) /.test(rule) ? '' : 'Member must '}${rule}`
  })
  return `${sentences.length} validation error${sentences.length === 1 ? '' : 's'} detected: ${sentences.join('; ')}`
}

const PLACEHOLDERS: Readonly<Record<string, string>> = {
  '<record-id>': '[0-9A-Za-z./+=]+',
  '<time>': String.raw`\d+(?:\.\d+)?`,
  '<any>': '.*',
}

/** Matches what an answer may be. */
export function answerPattern(template: string): RegExp {
  const literal = template.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
  const pattern = literal.replaceAll(/<(?:record-id|time|any)>/g, (name) => PLACEHOLDERS[name] ?? name)
  return new RegExp(`^${pattern}$`, 's')
}

/** A configuration file: read, environment put in, checked as a whole, frozen. */
import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { parseConfigDocument, type ConfigDocument } from './document.ts'
import type { Problem } from './problem.ts'
import { configSchema, type Config } from './schema.ts'
import type { Variables } from './variables.ts'

export type Loaded =
  | {
      readonly kind: 'loaded'
      readonly config: Config
      /** What is no problem and may still be a mistake. */
      readonly notes?: readonly Problem[]
      /** Line of a setting, or of the nearest group around it that was written. */
      readonly lineOf: (path: Problem['path']) => number | undefined
    }
  /** At least one problem. */
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

export async function readConfig(path: string, variables: Variables): Promise<Loaded> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    return refused([{ path: [], message: `read ${path}: ${reason(error)}` }])
  }
  return parseConfig(text, variables)
}

/** @param text YAML or JSON; an empty text is all defaults. */
export function parseConfig(text: string, variables: Variables): Loaded {
  const document = parseConfigDocument(text, variables)
  const parsed = parseSettings(document, configSchema)
  if (parsed.kind === 'refused') return parsed
  return { kind: 'loaded', config: parsed.settings, lineOf: (path) => document.lineOf(path) }
}

export type Parsed<T> =
  | { readonly kind: 'loaded'; readonly settings: T }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

/** What a document says, checked and frozen. */
export function parseSettings<Schema extends z.ZodType>(
  document: ConfigDocument,
  schema: Schema,
): Parsed<z.output<Schema>> {
  if (document.value === undefined) return { kind: 'refused', problems: document.problems }
  const parsed = schema.safeParse(document.value)
  const wrong = parsed.success ? [] : parsed.error.issues.flatMap((issue) => problemsOf(issue))
  const problems = withLines([...document.problems, ...wrong], document)
  if (!parsed.success || problems.length > 0) return { kind: 'refused', problems }
  return { kind: 'loaded', settings: freeze(parsed.data) }
}

function refused(problems: readonly Problem[]): Loaded {
  return { kind: 'refused', problems }
}

/** A setting whose variable is missing is reported once, not again for being empty. In the order of the file. */
function withLines(problems: readonly Problem[], document: ConfigDocument): Problem[] {
  const seen = new Set<string>()
  const located: Problem[] = []
  for (const problem of problems) {
    const key = JSON.stringify(problem.path)
    if (seen.has(key)) continue
    seen.add(key)
    located.push(problem)
  }
  return inOrder(located, (path) => document.lineOf(path))
}

/** Each with its line, in the order of the file. */
export function inOrder(
  problems: readonly Problem[],
  lineOf: (path: Problem['path']) => number | undefined,
): Problem[] {
  const located = problems.map((problem) => {
    const line = problem.line ?? lineOf(problem.path)
    return line === undefined ? problem : { ...problem, line }
  })
  return located.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n')
    return issue.keys.map((key, index) => ({
      path: [...path, key],
      message: messages[index] ?? 'unknown setting',
    }))
  }
  if (issue.code === 'invalid_key') return [{ path, message: issue.issues[0]?.message ?? issue.message }]
  return [{ path, message: issue.message }]
}

function reason(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  if (code === 'ENOENT') return 'there is no such file; give its path with --config'
  if (code === 'EACCES') return 'this user may not read it'
  if (code === 'EISDIR') return 'it is a folder; give the path of a file with --config'
  return error instanceof Error ? error.message : String(error)
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach((inner: unknown) => freeze(inner))
    Object.freeze(value)
  }
  return value
}

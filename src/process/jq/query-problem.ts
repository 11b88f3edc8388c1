/** What is wrong with a query, found when it is configured: before a record meets it. */
import { queryTokens, type Token } from './query-tokens.ts'
import { aloneProgram, blockProgram } from './query-program.ts'
import { deadlineMs } from './query-runner.ts'
import { QueryThread } from './query-thread.ts'

/** Compiling takes some two million at most; a program that takes more is meant to. */
const STEPS_MAX = 100_000_000n
const OUTPUT_BYTES_MAX = 65_536
const QUERY_MAX_MS = 1_000
/** Two checks at a time: a thread takes some tens of MiB. */
const CHECKS_MAX = 2
const PROBLEM_LENGTH_MAX = 500

/** What has no meaning for a record on its own, or would give another key on another day: each with a word why. */
const REFUSED: Readonly<Record<string, string>> = {
  input: 'reads other records',
  inputs: 'reads other records',
  input_filename: 'names a file, and there is none',
  input_line_number: 'tells where a record lies among others',
  debug: 'writes to a log',
  stderr: 'writes to a log',
  env: 'reads the environment',
  $ENV: 'reads the environment',
  $__prog_args: 'reads the command line',
  halt: 'ends jq',
  halt_error: 'ends jq',
  get_search_list: 'looks for modules, and there are none',
  get_jq_origin: 'looks for modules, and there are none',
  get_prog_origin: 'looks for modules, and there are none',
  modulemeta: 'looks for modules, and there are none',
  import: 'looks for modules, and there are none',
  include: 'looks for modules, and there are none',
  '@base32': 'is not known to this jq',
  '@base32d': 'is not known to this jq',
}

/**
 * What is wrong, in words that can follow a colon; undefined for a query that can be run. Off the event loop, and bounded in time whatever the query is.
 */
export async function queryProblem(query: string): Promise<string | undefined> {
  const why = await reasonAgainst(query)
  return why === undefined ? undefined : `MetadataExtractionQuery cannot be compiled: ${why}`
}

async function reasonAgainst(query: string): Promise<string | undefined> {
  if (/[\0\p{Surrogate}]/u.test(query)) return 'it holds NUL or half of a surrogate pair'
  const refused = refusedCall(query)
  if (refused !== undefined) return `it uses ${refused}, which ${REFUSED[refused]}`
  return checks.take(async () => {
    const deadline = { ms: deadlineMs({ queryMaxMs: QUERY_MAX_MS }), signal: new AbortController().signal }
    const thread = await QueryThread.start(0, deadline)
    try {
      // Alone first: what is a program of its own closes all its brackets.
      for (const program of [aloneProgram(query), blockProgram(query, [])]) {
        const request = { program, steps: STEPS_MAX, outputBytes: OUTPUT_BYTES_MAX }
        const { end, errors } = await thread.ask(request, deadline)
        if (end === 'failed') return reason(errors)
        if (end !== undefined) return 'it takes too long to compile'
      }
      return undefined
    } finally {
      await thread.end()
    }
  })
}

/** jq's own words without their frame. */
function reason(errors: string): string {
  const [first = ''] = /jq: error: (.+)/.exec(errors)?.slice(1) ?? [errors]
  return first
    .replace(' (Unix shell quoting issues?)', '')
    .replace(/ at <top-level>, line (\d+):?\s*$/, ' in line $1')
    .trim()
    .slice(0, PROBLEM_LENGTH_MAX)
}

/** The first name of REFUSED that the query calls. */
export function refusedCall(query: string): string | undefined {
  const tokens = queryTokens(query) ?? []
  const own = new Set(tokens.filter((_, index) => isDefined(tokens, index)).map(({ text }) => text))
  return tokens.find(
    (token, index) =>
      Object.hasOwn(REFUSED, token.text) &&
      (token.kind === 'variable' ||
        token.kind === 'format' ||
        (token.kind === 'name' && !own.has(token.text))) &&
      !isKey(tokens, index),
  )?.text
}

/** `def name` */
function isDefined(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1]
  return before?.kind === 'name' && before.text === 'def'
}

/** The key of an object that is made: `{name: …}` or `{name}`. */
function isKey(tokens: readonly Token[], index: number): boolean {
  if (tokens[index]?.kind !== 'name') return false
  const before = tokens[index - 1]
  if (before?.kind !== 'symbol' || (before.text !== '{' && before.text !== ',')) return false
  let closed = 0
  for (let at = index - 1; at >= 0; at -= 1) {
    const token = tokens[at]
    if (token?.kind !== 'symbol') continue
    if (')]}'.includes(token.text)) closed += 1
    else if ('([{'.includes(token.text)) {
      if (closed === 0) return token.text === '{'
      closed -= 1
    }
  }
  return false
}

class Gate {
  readonly #max: number
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(max: number) {
    this.#max = max
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#max) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running += 1
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}

const checks = new Gate(CHECKS_MAX)

/** A configuration file as YAML (of which JSON is a part): its values, environment put in, and where each of them stands. */
import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLParseError,
  type YAMLWarning,
} from 'yaml'
import type { Problem } from './problem.ts'
import { expandVariables, type Variables } from './variables.ts'

type Path = readonly (string | number)[]

export interface ConfigDocument {
  /** Plain values; {} for an empty file. Undefined when the text is not YAML. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** Line of the setting, or of the nearest group around it. */
  lineOf(path: Path): number | undefined
}

export function parseConfigDocument(text: string, variables: Variables): ConfigDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true })
  const found = [...document.errors, ...document.warnings]
  if (found.length > 0) {
    const problems = found.map((error) => ({
      path: [],
      line: lines.linePos(error.pos[0]).line,
      message: `not YAML: ${wordsOf(error)}`,
    }))
    return { value: undefined, problems, lineOf: () => undefined }
  }
  const astray = aliasProblems(document, lines)
  if (astray.length > 0) return { value: undefined, problems: astray, lineOf: () => undefined }
  const problems = expandScalars(document, variables, lines)
  try {
    const value: unknown = document.toJS()
    return { value: withoutEmptySections(value), problems, lineOf: (path) => lineOf(document, lines, path) }
  } catch (error) {
    const message = `not YAML: ${error instanceof Error ? error.message : String(error)}`
    return { value: undefined, problems: [{ path: [], message }], lineOf: () => undefined }
  }
}

/** The parser's words without what it quotes of the file, which may be a secret that should stand in quotes. */
function wordsOf({ code, message }: YAMLParseError | YAMLWarning): string {
  if (code === 'TAG_RESOLVE_FAILED') return 'a tag that is not known; put text that begins with "!" in quotes'
  return message.replace(/(?<=[\w)]): .*$/s, '')
}

/** An alias to nothing, or to what it is a part of: values without an end. */
function aliasProblems(document: Document.Parsed, lines: LineCounter): Problem[] {
  const problems: Problem[] = []
  visit(document, {
    Alias(_key, alias, ancestors) {
      const named = alias.resolve(document)
      if (named !== undefined && !ancestors.includes(named)) return
      const line = lineAt(lines, startOf(alias))
      const message =
        named === undefined
          ? 'not YAML: an alias of something that does not stand above; put text that begins with "*" in quotes'
          : 'not YAML: an alias of what it stands in'
      problems.push({ path: [], message, ...(line === undefined ? {} : { line }) })
    },
  })
  return problems
}

/** A section written without a value (`extensions:`) is one that was left out. */
function withoutEmptySections(value: unknown): unknown {
  if (value === null || value === undefined) return {}
  if (typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null))
}

function expandScalars(document: Document.Parsed, variables: Variables, lines: LineCounter): Problem[] {
  const problems: Problem[] = []
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return
      const path = pathOf(key, ancestors)
      const { text, problems: wrong } = expandVariables(node.value, variables)
      const line = lineAt(lines, startOf(node))
      problems.push(...wrong.map((message) => ({ path, message, ...(line === undefined ? {} : { line }) })))
      node.value = path[0] === 'deliveryStreams' ? typed(path.at(-1), text) : text
    },
  })
  return problems
}

/**
 * A delivery stream is the input of an API call, where 5 and "5" differ, and a variable is always text. So these members
 * of the service model become the number or boolean that the text spells. Other settings need none of it: their schema
 * knows what it wants.
 */
const numberMembers = /(MBs|InSeconds|Bytes|Stride|Threshold|Tolerance|Probability)$/
const booleanMembers = /^(Enabled|Enable[A-Z]\w*|CaseInsensitive|Convert[A-Z]\w*)$/

/** What the API wants of a member of this name. */
export function memberKind(name: string): 'boolean' | 'number' | 'text' {
  if (booleanMembers.test(name)) return 'boolean'
  return numberMembers.test(name) ? 'number' : 'text'
}

function typed(member: unknown, text: string): unknown {
  const kind = memberKind(String(member))
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  if (kind === 'number' && /^\d+(\.\d+)?$/.test(text)) return Number(text)
  return text
}

type Ancestors = readonly (Document | Node | Pair)[]

function pathOf(key: number | 'key' | 'value' | null, ancestors: Ancestors): Path {
  const path: (string | number)[] = []
  ancestors.forEach((ancestor, index) => {
    if (isPair(ancestor)) path.push(keyText(ancestor.key))
    else if (isSeq(ancestor)) {
      const child = ancestors[index + 1]
      path.push(child === undefined && typeof key === 'number' ? key : ancestor.items.indexOf(child))
    }
  })
  return path
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key)
}

function lineOf(document: Document.Parsed, lines: LineCounter, path: Path): number | undefined {
  let node: unknown = document.contents
  let offset: number | undefined
  for (const part of path) {
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(({ key }) => keyText(key) === String(part))
      if (pair === undefined) break
      offset = startOf(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(node) && typeof part === 'number') {
      node = node.items[part]
      offset = startOf(node) ?? offset
    } else break
  }
  return lineAt(lines, offset)
}

function lineAt(lines: LineCounter, offset: number | undefined): number | undefined {
  return offset === undefined ? undefined : lines.linePos(offset).line
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}

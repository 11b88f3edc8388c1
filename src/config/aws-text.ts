/**
 * What AWS's tools print and take, as plain values: JSON, several JSON values one after another, YAML, and templates with
 * the short functions of CloudFormation (`!Ref x` is read as `{ Ref: x }`).
 */
import { isScalar, parseAllDocuments, Scalar, visit, YAMLMap, type Document } from 'yaml'

export type AwsText =
  | { readonly kind: 'read'; readonly values: readonly unknown[] }
  /** One sentence. */
  | { readonly kind: 'refused'; readonly problem: string }

const DEPTH_MAX = 500

/** Numbers and booleans of YAML are text here, as they were written: `012` may be a name. */
export function readAwsText(text: string): AwsText {
  const bare = text.startsWith('\uFEFF') ? text.slice(1) : text
  try {
    return { kind: 'read', values: jsonValues(bare) ?? yamlValues(bare) }
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'refused', problem: 'it is nested too deeply' }
    return { kind: 'refused', problem: error instanceof Error ? error.message : String(error) }
  }
}

/** The values of a text that is JSON, one value or several in a row as a loop in a shell prints them; else undefined. */
function jsonValues(text: string): unknown[] | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return jsonPieces(text).map((piece): unknown => JSON.parse(piece))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Cut behind each bracket that closes the outermost one. */
function jsonPieces(text: string): string[] {
  const pieces: string[] = []
  let depth = 0
  let start = 0
  for (const { 0: token, index } of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}]/gs)) {
    if (token === '{' || token === '[') depth += 1
    if (depth > DEPTH_MAX) throw new RangeError('nested too deeply')
    if (token !== '}' && token !== ']') continue
    depth -= 1
    if (depth !== 0) continue
    pieces.push(text.slice(start, index + 1))
    start = index + 1
  }
  const rest = text.slice(start)
  return rest.trim() === '' ? pieces : [...pieces, rest]
}

function yamlValues(text: string): unknown[] {
  const documents = parseAllDocuments(text, { merge: true, logLevel: 'silent' })
  if (!Array.isArray(documents)) return []
  return documents.map((document): unknown => {
    const [error] = document.errors
    if (error !== undefined) throw new Error(`it is neither JSON nor YAML: ${firstLine(error.message)}`)
    asWritten(document)
    return document.toJS()
  })
}

function asWritten(document: Document): void {
  visit(document, {
    Node(_key, node) {
      if (isScalar(node) && typeof node.value !== 'string' && node.value !== null)
        node.value = node.source ?? node.value
      const { tag } = node as { tag?: string }
      if (tag === undefined || !/^![A-Za-z]/.test(tag)) return undefined
      delete (node as { tag?: string }).tag
      const long = new YAMLMap()
      long.set(new Scalar(longName(tag.slice(1))), node)
      return long
    },
  })
}

function firstLine(message: string): string {
  const [line = message] = message.split('\n')
  return line.replace(/:$/, '')
}

function longName(short: string): string {
  return short === 'Ref' || short === 'Condition' ? short : `Fn::${short}`
}

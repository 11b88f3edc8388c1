/**
 * How the keys of partitions are read out of lines of JSON: the members that are looked for, as a tree of columns, and for
 * each key the SQL of its text. NULL says that the text is not beyond doubt.
 *
 * A member is read as text, whatever its JSON is, so `12` and `"12"` are alike, as they are as keys; where they are not, or
 * where DuckDB prints otherwise than jq, key-doubt finds the record on its bytes.
 */
import type { KeyExpression } from '../domain/ports.ts'

/** A place in a record that a key comes from or goes through. Exactly one of its three. */
export interface KeyNode {
  readonly fields?: ReadonlyMap<string, KeyNode>
  readonly element?: KeyNode
  /** `epoch`: seconds for strftime, which must be a number. */
  readonly leaf?: 'text' | 'epoch'
}

export interface KeyPlan {
  readonly root: ReadonlyMap<string, KeyNode>
  /** In order of the root's fields: name and type. */
  readonly columns: readonly (readonly [name: string, type: string])[]
  /** The text of a tuple's values, with KEY_SEPARATOR between them; columns are r0, r1, … */
  readonly tuple: string
  readonly hasSeveral: boolean
}

/** Between the values of a tuple; a value that has it is left to jq. */
export const KEY_SEPARATOR = '\u001f'

type MutableNode = { fields?: Map<string, MutableNode>; element?: MutableNode; leaf?: 'text' | 'epoch' }

/** Undefined when the paths do not go together as columns: one through another, or names that differ in case only. */
export function keyPlan(expressions: readonly KeyExpression[]): KeyPlan | undefined {
  const root: MutableNode = {}
  for (const { path, strftime } of expressions) {
    let node = root
    for (const step of path) node = child(node, step)
    // A member that is read both ways must suit the stricter one.
    node.leaf = strftime === undefined && node.leaf !== 'epoch' ? 'text' : 'epoch'
  }
  const fields = root.fields
  if (fields === undefined || !isSound(root)) return undefined
  const names = [...fields.keys()]
  return {
    root: fields,
    columns: Array.from(fields, ([name, node]) => [name, typeOf(node)] as const),
    tuple: tupleOf(expressions, names),
    hasSeveral: expressions.length > 1,
  }
}

function child(node: MutableNode, step: string | number): MutableNode {
  if (typeof step === 'number') return (node.element ??= {})
  node.fields ??= new Map()
  const known = node.fields.get(step)
  if (known !== undefined) return known
  const made: MutableNode = {}
  node.fields.set(step, made)
  return made
}

function isSound(node: MutableNode): boolean {
  const { fields, element, leaf } = node
  if ([fields, element, leaf].filter((part) => part !== undefined).length !== 1) return false
  if (element !== undefined) return isSound(element)
  if (fields === undefined) return true
  const folded = new Set(Array.from(fields.keys(), (name) => name.toLowerCase()))
  return folded.size === fields.size && [...fields.values()].every(isSound)
}

function typeOf({ fields, element }: KeyNode): string {
  if (element !== undefined) return `${typeOf(element)}[]`
  if (fields === undefined) return 'VARCHAR'
  const members = Array.from(fields, ([name, node]) => `${quotedName(name)} ${typeOf(node)}`)
  return `STRUCT(${members.join(', ')})`
}

function tupleOf(expressions: readonly KeyExpression[], names: readonly string[]): string {
  const isRead = names.map((_, index) => `r${index} IS NOT NULL`).join(' OR ')
  const separator = textOf(KEY_SEPARATOR)
  const values = expressions.map((expression) => {
    const value = valueOf(expression, names)
    return expressions.length === 1
      ? value
      : `CASE WHEN NOT contains(${value}, ${separator}) THEN ${value} END`
  })
  // A line that cannot be read has nulls only.
  return `CASE WHEN ${isRead} THEN ${values.map((value) => `(${value})`).join(` || ${separator} || `)} END`
}

function valueOf({ path, otherwise, toText, strftime }: KeyExpression, names: readonly string[]): string {
  const [top, ...rest] = path
  let text = `r${names.indexOf(String(top))}`
  for (const step of rest)
    text = typeof step === 'number' ? `${text}[${step + 1}]` : `struct_extract(${text}, ${textOf(step)})`
  if (strftime !== undefined)
    return `strftime(make_timestamp(try_cast(${text} AS BIGINT) * 1000000), ${textOf(strftime)})`
  // Further in, nothing may be an error as well: of a member of what is no object.
  const whenNothing = rest.length > 0 ? undefined : (otherwise ?? (toText ? 'null' : ''))
  const sure = whenNothing === undefined ? text : `coalesce(${text}, ${textOf(whenNothing)})`
  // `false` and "false" look alike, and only one of them is replaced.
  return otherwise === undefined ? sure : `CASE WHEN ${text} IS DISTINCT FROM 'false' THEN ${sure} END`
}

function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function textOf(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

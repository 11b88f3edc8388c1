/** The places in a record that the keys of a query come from, as a tree along which a record is read. */
import type { KeyExpression } from './key-expression.ts'

/** A value on the way to a key, or that of one. */
export interface KeyNode {
  /** Members that are looked for, by the bytes of their names. */
  readonly members: readonly KeyMember[]
  /** Elements that are looked for. */
  readonly elements: readonly KeyElement[]
  /** The number of the leaf that this value is, or NO_LEAF. */
  readonly leaf: number
}

export interface KeyMember {
  readonly name: Buffer
  readonly node: KeyNode
  /** Where it was seen last: a member that is in its object again is another one to jq. */
  seenAt: number
}

export interface KeyElement {
  readonly index: number
  readonly node: KeyNode
}

export const NO_LEAF = -1

export interface KeyTree {
  readonly root: KeyNode
  readonly leaves: number
  /** Of each expression, the number of its leaf. */
  readonly leafOf: readonly number[]
}

interface Growing extends KeyNode {
  readonly members: KeyMember[]
  readonly elements: KeyElement[]
  leaf: number
}

const grow = (): Growing => ({ members: [], elements: [], leaf: NO_LEAF })

export function keyTree(expressions: readonly KeyExpression[]): KeyTree {
  const root = grow()
  let leaves = 0
  const leafOf = expressions.map(({ path }) => {
    let node = root
    for (const step of path) node = child(node, step)
    if (node.leaf === NO_LEAF) {
      node.leaf = leaves
      leaves += 1
    }
    return node.leaf
  })
  return { root, leaves, leafOf }
}

function child({ members, elements }: Growing, step: string | number): Growing {
  const made = grow()
  if (typeof step === 'number') {
    const known = elements.find(({ index }) => index === step)
    if (known === undefined) elements.push({ index: step, node: made })
    return (known?.node as Growing | undefined) ?? made
  }
  const name = Buffer.from(step)
  const known = members.find((member) => name.equals(member.name))
  if (known === undefined) members.push({ name, node: made, seenAt: 0 })
  return (known?.node as Growing | undefined) ?? made
}

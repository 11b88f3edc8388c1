/** The layout of records whose keys are beyond doubt, as they are to `key-scan`: the values of the leaves are captured. */
import { SCALAR_FORM, STRING_FORM, type LayoutRules } from '../../domain/record-layout/rules.ts'
import { DIGITS_MAX } from './key-scan.ts'
import { NO_LEAF, type KeyNode, type KeyTree } from './key-tree.ts'

/** A value on the way to a key, or that of one; undefined: any other. */
export type KeyPlace = KeyNode | undefined

const LEAF_FORM = `${STRING_FORM}|0|-?[1-9][0-9]{0,${DIGITS_MAX - 1}}|true|false|null`

export function keyLayout({ root }: KeyTree): LayoutRules<KeyPlace> {
  return {
    top: root,
    member: (place, key) => place?.members.find(({ name }) => name.equals(Buffer.from(key, 'latin1')))?.node,
    item: () => undefined,
    isMap: () => false,
    scalars(place) {
      if (place === undefined) return SCALAR_FORM
      return isOnlyLeaf(place) ? LEAF_FORM : 'null'
    },
    // Elements that are looked for are left to the scan.
    takes: (place, shape) =>
      place === undefined || (shape === 'object' && place.leaf === NO_LEAF && place.elements.length === 0),
    isCaptured: (place) => place !== undefined && isOnlyLeaf(place),
    isExample: () => true,
  }
}

/** jq goes into nothing else than a leaf that is null. */
function isOnlyLeaf({ leaf, members, elements }: KeyNode): boolean {
  return leaf !== NO_LEAF && members.length === 0 && elements.length === 0
}

/** Records that are refused because a few bytes of them stand for far too much: which cannot be such, by their length alone. */
import { ROW_WEIGHT_MAX } from '../json-reading.ts'
import { ELEMENT_WEIGHT, weightOf } from '../json-value.ts'
import { isNested, type HiveType } from '../hive-types.ts'
import { partsOf } from './column-sql.ts'

/** Most bytes of a record of which no row weighs too much: any number of values may stand in an array or map. */
export function lightBytesMax(types: readonly HiveType[]): number {
  const once = types.reduce((sum, type) => sum + weightOfOne(type), 0)
  const perByte = Math.max(0, ...types.map((type) => weightPerByte(type, false)))
  return once > ROW_WEIGHT_MAX ? -1 : (ROW_WEIGHT_MAX - once) / perByte
}

/** Of a value and what is in it, but for what is in arrays and maps. */
function weightOfOne(type: HiveType): number {
  return type.kind === 'struct'
    ? partsOf(type).reduce((sum, part) => sum + weightOfOne(part), weightOf(type))
    : weightOf(type)
}

/** The most that a byte of an element stands for: it has two at least when it is nested. */
function weightPerByte(type: HiveType, isElement: boolean): number {
  const own = isElement ? (weightOf(type) + ELEMENT_WEIGHT) / (isNested(type) ? 2 : 1) : 0
  if (!isNested(type)) return own
  const inside = partsOf(type).map((part) => weightPerByte(part, isElement || type.kind !== 'struct'))
  return Math.max(own, ...inside)
}

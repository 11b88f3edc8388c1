/**
 * The footer of a Parquet file as a Thrift struct: what of it changes when the bytes it speaks of are moved, and when files of
 * the same rows, each with columns of its own, become one.
 */
import {
  isList,
  isStruct,
  writeStruct,
  type ThriftField,
  type ThriftList,
  type ThriftStruct,
  type ThriftValue,
} from './compact-thrift.ts'

/** Ids of the fields that are used here, by the names of the format's specification. */
const FILE = { schema: 2, numRows: 3, rowGroups: 4, columnOrders: 7 } as const
const ELEMENT = { name: 4, numChildren: 5 } as const
const ROW_GROUP = {
  columns: 1,
  totalByteSize: 2,
  numRows: 3,
  fileOffset: 5,
  totalCompressedSize: 6,
  ordinal: 7,
} as const
const CHUNK = {
  fileOffset: 2,
  metaData: 3,
  offsetIndexOffset: 4,
  columnIndexOffset: 6,
} as const
const COLUMN = {
  path: 3,
  dataPageOffset: 9,
  indexPageOffset: 10,
  dictionaryPageOffset: 11,
  bloomFilterOffset: 14,
} as const
/** What a column has of its row group's sizes. */
const COLUMN_SIZES = { uncompressed: 6, compressed: 7 } as const

export function rowsOf(footer: ThriftStruct): bigint {
  return numberOf(footer, FILE.numRows)
}

/** A row group of some columns, written out: as structs they take many times as much. */
export interface RowGroupPart {
  /** Without its columns. */
  readonly group: ThriftStruct
  readonly columns: readonly ColumnPart[]
}

interface ColumnPart {
  readonly path: string
  readonly chunk: Buffer
  readonly uncompressedBytes: bigint
  readonly compressedBytes: bigint
}

/** The row groups, with the places of what they speak of moved by so many bytes. */
export function movedRowGroups(footer: ThriftStruct, move: number): readonly RowGroupPart[] {
  return listOf(footer, FILE.rowGroups).elements.map((element) => {
    const group = structOf(element)
    const columns = listOf(group, ROW_GROUP.columns).elements.map((each) => {
      return columnPart(movedChunk(structOf(each), move))
    })
    return { group: changed(group, (id, { value }) => movedInGroup(id, value, move)), columns }
  })
}

function columnPart(chunk: ThriftStruct): ColumnPart {
  const column = structOf(chunk.get(CHUNK.metaData)?.value)
  return {
    path: pathOf(column),
    chunk: written(chunk),
    uncompressedBytes: numberOf(column, COLUMN_SIZES.uncompressed),
    compressedBytes: numberOf(column, COLUMN_SIZES.compressed),
  }
}

function movedInGroup(id: number, value: ThriftValue, move: number): ThriftValue {
  if (id === ROW_GROUP.columns && isList(value)) return { ...value, elements: [] }
  return id === ROW_GROUP.fileOffset ? moved(value, move) : value
}

/** The footer without what it says of row groups. */
export function withoutRowGroups(footer: ThriftStruct): ThriftStruct {
  return withRowGroups(footer, [], 0n)
}

/** In as many bytes as it takes. */
const written = (struct: ThriftStruct): Buffer => Buffer.from(writeStruct(struct))

/** The footer of a file with so many row groups and rows, written out: what stands before the row groups, and after them. */
export function aroundRowGroups(
  footer: ThriftStruct,
  groups: number,
  rows: bigint,
): readonly [before: Buffer, after: Buffer] {
  const nothing = Array.from({ length: groups }, () => Buffer.alloc(0))
  const whole = withRowGroups(footer, nothing, rows)
  const until = new Map([...whole].filter(([id]) => id <= FILE.rowGroups))
  const all = written(whole)
  // A struct ends with a byte of its own.
  const end = written(until).length - 1
  return [all.subarray(0, end), all.subarray(end)]
}

function withRowGroups(footer: ThriftStruct, groups: readonly Buffer[], rows: bigint): ThriftStruct {
  const { elementType } = listOf(footer, FILE.rowGroups)
  return changed(footer, (id, { value }) => {
    if (id === FILE.numRows) return rows
    return id === FILE.rowGroups ? { elementType, elements: groups } : value
  })
}

function movedChunk(chunk: ThriftStruct, move: number): ThriftStruct {
  return changed(chunk, (id, { value }) => {
    if (id === CHUNK.metaData) return movedColumn(structOf(value), move)
    return isOneOf(CHUNK, id) ? moved(value, move) : value
  })
}

function movedColumn(column: ThriftStruct, move: number): ThriftStruct {
  return changed(column, (id, { value }) =>
    id !== COLUMN.path && isOneOf(COLUMN, id) ? moved(value, move) : value,
  )
}

function isOneOf(ids: Readonly<Record<string, number>>, id: number): boolean {
  return Object.values(ids).includes(id)
}

/** Zero stands for no place. */
function moved(place: ThriftValue, move: number): ThriftValue {
  return typeof place === 'bigint' && place > 0n ? place + BigInt(move) : place
}

/**
 * One row group of the columns of all of these, which have the same rows, written out. A column that several have, the keys of
 * a map whose values are in several, is taken once.
 *
 * @param ordinal of the row group in its file
 */
export function besideEachOther(parts: readonly RowGroupPart[], ordinal: number): Buffer {
  const [first] = parts
  if (first === undefined) throw new Error('there is no row group')
  const rows = numberOf(first.group, ROW_GROUP.numRows)
  if (parts.some(({ group }) => numberOf(group, ROW_GROUP.numRows) !== rows))
    throw new Error('row groups of the same rows have other numbers of them')
  const columns = firstOfEach(
    parts.flatMap((part) => part.columns),
    ({ path }) => path,
  )
  const whole = changed(first.group, (id, { value }) => {
    if (id === ROW_GROUP.columns && isList(value))
      return { ...value, elements: columns.map(({ chunk }) => chunk) }
    if (id === ROW_GROUP.totalByteSize)
      return columns.reduce((sum, { uncompressedBytes }) => sum + uncompressedBytes, 0n)
    if (id === ROW_GROUP.totalCompressedSize)
      return columns.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0n)
    return id === ROW_GROUP.ordinal ? BigInt(ordinal) : value
  })
  return written(whole)
}

function pathOf(column: ThriftStruct): string {
  const { elements } = listOf(column, COLUMN.path)
  return elements.map(String).join('\u0000')
}

function firstOfEach<T>(all: readonly T[], keyOf: (one: T) => string): T[] {
  const seen = new Set<string>()
  return all.filter((one) => {
    const key = keyOf(one)
    return !seen.has(key) && seen.add(key)
  })
}

/** The footer of a file of the columns of all of these. */
export function footerBesideEachOther(footers: readonly ThriftStruct[]): ThriftStruct {
  const [first, ...others] = footers
  if (first === undefined) throw new Error('there is no footer')
  if (others.length === 0) return first
  const roots = footers.map((footer) => treeOf(listOf(footer, FILE.schema).elements.map(structOf)))
  const orders = footers.flatMap((footer, index) => {
    const { elements } = orderList(footer)
    return leafPaths(roots[index] as Node, '').map((path, at) => ({ path, order: elements[at] }))
  })
  return changed(first, (id, { value }) => {
    if (!isList(value)) return value
    if (id === FILE.schema) return { ...value, elements: flattened(merged(roots)) }
    if (id !== FILE.columnOrders) return value
    const elements = firstOfEach(orders, ({ path }) => path).flatMap(({ order }) => order ?? [])
    return { ...value, elements }
  })
}

function orderList(footer: ThriftStruct): ThriftList {
  const orders = footer.get(FILE.columnOrders)?.value
  return isList(orders) ? orders : { elementType: 0, elements: [] }
}

/** An element of a schema with what is in it. */
interface Node {
  readonly element: ThriftStruct
  readonly name: string
  readonly children: readonly Node[]
}

function treeOf(elements: readonly ThriftStruct[]): Node {
  let at = 0
  const next = (): Node => {
    const element = elements[at]
    if (element === undefined) throw new Error('its schema ends too early')
    at += 1
    const count = Number(element.get(ELEMENT.numChildren)?.value ?? 0n)
    const children = Array.from({ length: count }, next)
    const name = element.get(ELEMENT.name)?.value
    return { element, name: Buffer.isBuffer(name) ? name.toString() : '', children }
  }
  return next()
}

/** Nodes of one name as one, its children in the order in which they come first. */
function merged(nodes: readonly Node[]): Node {
  const [first] = nodes
  if (first === undefined) throw new Error('there is no schema')
  const named = new Map<string, Node[]>()
  for (const child of nodes.flatMap(({ children }) => children)) {
    const alike = named.get(child.name)
    if (alike === undefined) named.set(child.name, [child])
    else alike.push(child)
  }
  return { ...first, children: Array.from(named.values(), merged) }
}

function flattened({ element, children }: Node): ThriftStruct[] {
  const counted = changed(element, (id, { value }) =>
    id === ELEMENT.numChildren ? BigInt(children.length) : value,
  )
  return [counted, ...children.flatMap(flattened)]
}

function leafPaths({ children }: Node, path: string): string[] {
  if (children.length === 0) return [path]
  return children.flatMap((child) => leafPaths(child, `${path}\u0000${child.name}`))
}

function listOf(struct: ThriftStruct, id: number): ThriftList {
  const list = struct.get(id)?.value
  if (!isList(list)) throw new Error(`its footer has no list ${id}`)
  return list
}

function numberOf(struct: ThriftStruct, id: number): bigint {
  const number = struct.get(id)?.value
  if (typeof number !== 'bigint') throw new Error(`its footer has no number ${id}`)
  return number
}

function structOf(value: ThriftValue | undefined): ThriftStruct {
  if (!isStruct(value)) throw new Error('its footer has something else for a struct')
  return value
}

function changed(
  struct: ThriftStruct,
  valueOf: (id: number, field: ThriftField) => ThriftValue,
): ThriftStruct {
  return new Map(Array.from(struct, ([id, field]) => [id, { ...field, value: valueOf(id, field) }]))
}

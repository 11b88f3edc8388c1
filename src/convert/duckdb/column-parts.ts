/**
 * A table cut into parts that DuckDB writes one after the other: some of its columns, or of a wide column some of what is in
 * it. DuckDB holds vectors of 2,048 rows for every value, list and struct of a row, whether they are there or not; so it is
 * the width of a part that memory has to hold, not that of the table.
 */
import { unreachable } from '../../domain/errors.ts'
import { isNested, type HiveType, type StructField, type TypedColumn } from '../hive-types.ts'

/**
 * Most vectors of a part, unless a single value inside others has more: those of 4,096 rows took 110 MiB, of twice as many
 * vectors more than 200.
 */
const PART_VECTORS_MAX = 400

/** All of the columns, in order. Of a column in several parts each has some of its fields, and keeps its name. */
export function columnParts<Column extends TypedColumn>(
  columns: readonly Column[],
  vectorsMax = PART_VECTORS_MAX,
): readonly (readonly Column[])[] {
  const pieces = columns.flatMap((column) =>
    typePieces(column.type, vectorsMax).map((type) => ({ ...column, type })),
  )
  return packed(pieces, vectorsMax)
}

function vectorsOf(type: HiveType): number {
  if (!isNested(type)) return 1
  switch (type.kind) {
    case 'array':
      return 1 + vectorsOf(type.element)
    case 'map':
      return 3 + vectorsOf(type.value)
    case 'struct':
      return type.fields.reduce((sum, field) => sum + vectorsOf(field.type), 1)
    default:
      return unreachable(type)
  }
}

/** The type, or several that have some of its fields each, in order. */
function typePieces(type: HiveType, vectorsMax: number): readonly HiveType[] {
  if (!isNested(type) || vectorsOf(type) <= vectorsMax) return [type]
  switch (type.kind) {
    case 'array':
      return typePieces(type.element, vectorsMax - 1).map((element) => ({ ...type, element }))
    case 'map':
      return typePieces(type.value, vectorsMax - 3).map((value) => ({ ...type, value }))
    case 'struct': {
      const pieces = type.fields.flatMap(({ name, type: inner }) =>
        typePieces(inner, vectorsMax - 1).map((piece): StructField => ({ name, type: piece })),
      )
      return packed(pieces, vectorsMax - 1).map((fields) => ({ ...type, fields }))
    }
    default:
      return unreachable(type)
  }
}

interface Named {
  readonly name: string
  readonly type: HiveType
}

/** As many together as there is room for, and no two of one name. */
function packed<Piece extends Named>(pieces: readonly Piece[], vectorsMax: number): Piece[][] {
  const packs: Piece[][] = []
  let pack: Piece[] = []
  let vectors = 0
  for (const piece of pieces) {
    const more = vectorsOf(piece.type)
    if (pack.length > 0 && (vectors + more > vectorsMax || pack.at(-1)?.name === piece.name)) {
      packs.push(pack)
      pack = []
      vectors = 0
    }
    pack.push(piece)
    vectors += more
  }
  if (pack.length > 0) packs.push(pack)
  return packs
}

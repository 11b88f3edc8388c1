/**
 * The types of columns in DuckDB, and their values in lines of plain values, which are ours: in one form for each type, read
 * as that and not judged.
 *
 * Bytes there are text: they are read as that (`plainType`) and made into what they are by `plainValue`, inside nested
 * values by one cast of the whole, since DuckDB takes twice as long for each lambda in another.
 */
import { unreachable } from '../../domain/errors.ts'
import { holdsKind, isNested, type HiveType, type NestedType, type TypedColumn } from '../hive-types.ts'

export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** The type of a column in the table and the Parquet file. */
export function columnType(type: HiveType): string {
  switch (type.kind) {
    case 'string':
    case 'varchar':
    case 'char':
      return 'VARCHAR'
    case 'binary':
      return 'BLOB'
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'bigint':
    case 'float':
    case 'double':
    case 'date':
      return type.kind.toUpperCase()
    case 'int':
      return 'INTEGER'
    case 'decimal':
      return `DECIMAL(${type.precision}, ${type.scale})`
    case 'timestamp':
      return type.unit === 'micros' ? 'TIMESTAMP' : 'TIMESTAMP_MS'
    case 'array':
      return `${columnType(type.element)}[]`
    case 'map':
      return `MAP(${columnType(type.key)}, ${columnType(type.value)})`
    case 'struct':
      return structType(type.fields.map((field) => [field.name, columnType(field.type)]))
    default:
      return unreachable(type)
  }
}

export function structType(fields: readonly (readonly [key: string, type: string])[]): string {
  return `STRUCT(${fields.map(([key, type]) => `${quotedName(key)} ${type}`).join(', ')})`
}

/** The types inside a nested one, in order. */
export function partsOf(type: NestedType): readonly HiveType[] {
  switch (type.kind) {
    case 'array':
      return [type.element]
    case 'map':
      return [type.key, type.value]
    case 'struct':
      return type.fields.map((field) => field.type)
    default:
      return unreachable(type)
  }
}

/** The type of a column in lines of plain values. */
export function plainType({ type, field }: TypedColumn): string {
  return field !== undefined && type.kind === 'timestamp' ? 'BIGINT' : plainTypeOf(type)
}

function plainTypeOf(type: HiveType): string {
  if (!isNested(type)) return type.kind === 'binary' ? 'VARCHAR' : columnType(type)
  switch (type.kind) {
    case 'array':
      return `${plainTypeOf(type.element)}[]`
    case 'map':
      return `MAP(${plainTypeOf(type.key)}, ${plainTypeOf(type.value)})`
    case 'struct':
      return structType(type.fields.map((field) => [field.name, plainTypeOf(field.type)]))
    default:
      return unreachable(type)
  }
}

/** The value of a column in lines of plain values. */
export function plainValue({ type, field }: TypedColumn, raw: string): string {
  if (field !== undefined && type.kind === 'timestamp')
    return `make_timestamp_ms(${raw})::${columnType(type)}`
  if (type.kind === 'binary') return `from_base64(${raw})`
  return holdsKind(type, 'binary') ? `CAST(${raw} AS ${columnType(type)})` : raw
}

/** A struct of these values where `raw` is not null. */
export function structOf(raw: string, values: readonly (readonly [name: string, value: string])[]): string {
  const members = values.map(([name, value]) => `${quotedName(name)} := ${value}`)
  return `CASE WHEN ${raw} IS NOT NULL THEN struct_pack(${members.join(', ')}) END`
}

/** Lists inside each other that are looked through for minus zero: DuckDB takes twice as long for each level. */
const LOOKED_THROUGH_MAX = 8

/**
 * True where a value, or one at any depth in it, is minus zero, or is too deep to tell; undefined for a type that has none.
 */
export function holdsMinusZero(type: HiveType, value: string, depth = 0): string | undefined {
  if (!isNested(type)) {
    const isFloat = type.kind === 'float' || type.kind === 'double'
    return isFloat ? `(${value} = 0 AND signbit(${value}))` : undefined
  }
  switch (type.kind) {
    case 'array':
      return anyItem(type.element, value, depth)
    case 'map':
      return anyItem(type.value, `map_values(${value})`, depth)
    case 'struct': {
      const fields = type.fields.flatMap(
        (field) =>
          holdsMinusZero(field.type, `struct_extract(${value}, ${quotedText(field.name)})`, depth) ?? [],
      )
      return fields.length === 0 ? undefined : `(${fields.join(' OR ')})`
    }
    default:
      return unreachable(type)
  }
}

function anyItem(type: HiveType, list: string, depth: number): string | undefined {
  const item = `z${depth}`
  if (depth >= LOOKED_THROUGH_MAX)
    return holdsKind(type, 'float') || holdsKind(type, 'double') ? `${list} IS NOT NULL` : undefined
  const holds = holdsMinusZero(type, item, depth + 1)
  return holds && `list_contains(list_transform(${list}, lambda ${item}: ${holds}), true)`
}

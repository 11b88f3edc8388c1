/** How each Hive type stands in a Parquet file: physical type, annotation, and what a value is in PLAIN encoding. */
import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js'
import { unreachable } from '../domain/errors.ts'
import { isNested, type ScalarType, type TypedColumn } from './hive-types.ts'
import type { ScalarValue } from './hive-values.ts'

export type PhysicalType =
  'BOOLEAN' | 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'BYTE_ARRAY' | 'FIXED_LEN_BYTE_ARRAY'

export interface ParquetType {
  readonly physical: PhysicalType
  readonly typeLength?: number
  readonly converted?: string
  readonly logical?: ThriftStruct
  readonly precision?: number
  readonly scale?: number
  /** What PLAIN encoding takes for a value. */
  readonly plain?: (value: ScalarValue) => unknown
}

/** Bytes of a decimal of more than 18 digits. */
const LONG_DECIMAL_BYTES = 16

/**
 * The annotations DuckDB writes, so that both engines' files read alike. A timestamp has no zone in Hive: milliseconds
 * with isAdjustedToUTC false.
 */
export function parquetType(type: ScalarType): ParquetType {
  switch (type.kind) {
    case 'boolean':
      return { physical: 'BOOLEAN' }
    case 'tinyint':
      return { physical: 'INT32', converted: 'INT_8', logical: integer(8) }
    case 'smallint':
      return { physical: 'INT32', converted: 'INT_16', logical: integer(16) }
    case 'int':
      return { physical: 'INT32', converted: 'INT_32', logical: integer(32) }
    case 'bigint':
      return { physical: 'INT64', converted: 'INT_64', logical: integer(64) }
    case 'float':
      return { physical: 'FLOAT' }
    case 'double':
      return { physical: 'DOUBLE' }
    case 'decimal':
      return decimal(type.precision, type.scale)
    case 'string':
    case 'varchar':
    case 'char':
      return {
        physical: 'BYTE_ARRAY',
        converted: 'UTF8',
        logical: logicalType('STRING', new thrift.StringType()),
      }
    case 'date':
      return { physical: 'INT32', converted: 'DATE', logical: logicalType('DATE', new thrift.DateType()) }
    case 'timestamp':
      return type.unit === 'micros'
        ? { physical: 'INT64', converted: 'TIMESTAMP_MICROS', logical: localTime('MICROS') }
        : { physical: 'INT64', converted: 'TIMESTAMP_MILLIS', logical: localTime('MILLIS') }
    case 'binary':
      return { physical: 'BYTE_ARRAY' }
    default:
      return unreachable(type)
  }
}

/** A column of a file of this engine. */
export function scalarOf({ name, type }: TypedColumn): ScalarType {
  if (isNested(type)) throw new Error(`write column ${JSON.stringify(name)}: it is of type ${type.kind}`)
  return type
}

/** The flattened schema of a file: a root, then each column, all optional. */
export function schemaElements(columns: readonly TypedColumn[]): readonly ThriftStruct[] {
  const root = new thrift.SchemaElement({ name: 'hive_schema', num_children: columns.length })
  return [root, ...columns.map((column) => schemaElement(column.name, parquetType(scalarOf(column))))]
}

function schemaElement(name: string, type: ParquetType): ThriftStruct {
  return new thrift.SchemaElement({
    name,
    type: thrift.Type[type.physical],
    type_length: type.typeLength,
    repetition_type: thrift.FieldRepetitionType['OPTIONAL'],
    converted_type: type.converted === undefined ? undefined : thrift.ConvertedType[type.converted],
    scale: type.scale,
    precision: type.precision,
    logicalType: type.logical,
  })
}

function logicalType(name: string, parameters: ThriftStruct): ThriftStruct {
  return new thrift.LogicalType({ [name]: parameters })
}

function integer(bitWidth: number): ThriftStruct {
  return logicalType('INTEGER', new thrift.IntType({ bitWidth, isSigned: true }))
}

function localTime(name: 'MILLIS' | 'MICROS'): ThriftStruct {
  const unit = new thrift.TimeUnit({
    [name]: name === 'MILLIS' ? new thrift.MilliSeconds() : new thrift.MicroSeconds(),
  })
  return logicalType('TIMESTAMP', new thrift.TimestampType({ isAdjustedToUTC: false, unit }))
}

function decimal(precision: number, scale: number): ParquetType {
  const annotation = {
    converted: 'DECIMAL',
    logical: logicalType('DECIMAL', new thrift.DecimalType({ scale, precision })),
    precision,
    scale,
  }
  if (precision <= 9) return { physical: 'INT32', ...annotation, plain: Number }
  if (precision <= 18) return { physical: 'INT64', ...annotation }
  return {
    physical: 'FIXED_LEN_BYTE_ARRAY',
    typeLength: LONG_DECIMAL_BYTES,
    ...annotation,
    plain: (value) => bigEndian(value as bigint),
  }
}

/** Two's complement, most significant byte first. */
function bigEndian(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(LONG_DECIMAL_BYTES)
  bytes.writeBigInt64BE(value >> 64n, 0)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value), 8)
  return bytes
}

/** The parts of parquetjs-lite 0.8.7 that are used; the package brings no types. */

declare module 'parquetjs-lite/lib/util.js' {
  import type { ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js'
  const util: {
    /** The compact protocol's bytes of a struct. */
    serializeThrift(struct: ThriftStruct): Buffer
  }
  export default util
}

declare module 'parquetjs-lite/lib/codec/index.js' {
  interface Codec {
    /** May replace elements of `values`. RLE puts the length of its bytes before them. */
    encodeValues(
      type: string,
      values: unknown[],
      options: { readonly bitWidth?: number; readonly typeLength?: number },
    ): Buffer
  }
  const codec: { readonly PLAIN: Codec; readonly RLE: Codec }
  export default codec
}

declare module 'parquetjs-lite/lib/compression.js' {
  const compression: {
    deflate(codec: 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY', bytes: Buffer): Uint8Array
  }
  export default compression
}

declare module 'parquetjs-lite/gen-nodejs/parquet_types.js' {
  /** Fields may be assigned after construction; those that are null are not written. */
  export interface ThriftStruct {
    write(output: unknown): void
  }
  type Struct<Fields = object> = new (fields?: Fields) => ThriftStruct & Fields
  type Enum = Readonly<Record<string, number>>
  interface ColumnMetaDataFields {
    type?: number | undefined
    encodings?: readonly (number | undefined)[]
    path_in_schema?: readonly string[]
    codec?: number | undefined
    num_values?: number
    total_uncompressed_size?: number
    total_compressed_size?: number
    data_page_offset?: number
    statistics?: ThriftStruct
  }
  const thrift: {
    readonly Type: Enum
    readonly ConvertedType: Enum
    readonly FieldRepetitionType: Enum
    readonly Encoding: Enum
    readonly CompressionCodec: Enum
    readonly PageType: Enum
    readonly IntType: Struct<{ bitWidth: number; isSigned: boolean }>
    readonly DecimalType: Struct<{ scale: number; precision: number }>
    readonly StringType: Struct
    readonly DateType: Struct
    readonly MilliSeconds: Struct
    readonly MicroSeconds: Struct
    readonly TimeUnit: Struct<Readonly<Partial<Record<'MILLIS' | 'MICROS', ThriftStruct>>>>
    readonly TimestampType: Struct<{ isAdjustedToUTC: boolean; unit: ThriftStruct }>
    readonly LogicalType: Struct<Readonly<Record<string, ThriftStruct>>>
    readonly SchemaElement: Struct<{
      name: string
      type?: number | undefined
      type_length?: number | undefined
      repetition_type?: number | undefined
      num_children?: number
      converted_type?: number | undefined
      scale?: number | undefined
      precision?: number | undefined
      logicalType?: ThriftStruct | undefined
    }>
    readonly Statistics: Struct<{ null_count: number }>
    readonly DataPageHeader: Struct<{
      num_values: number
      encoding: number | undefined
      definition_level_encoding: number | undefined
      repetition_level_encoding: number | undefined
    }>
    readonly PageHeader: Struct<{
      type: number | undefined
      uncompressed_page_size: number
      compressed_page_size: number
      data_page_header: ThriftStruct
    }>
    readonly ColumnMetaData: Struct<ColumnMetaDataFields>
    readonly ColumnChunk: Struct<{ file_offset: number; meta_data: ThriftStruct }>
    readonly RowGroup: Struct<{
      columns: readonly ThriftStruct[]
      total_byte_size: number
      num_rows: number
    }>
    readonly FileMetaData: Struct<{
      version: number
      schema: readonly ThriftStruct[]
      num_rows: number
      row_groups: readonly ThriftStruct[]
      created_by: string
    }>
  }
  export default thrift
}

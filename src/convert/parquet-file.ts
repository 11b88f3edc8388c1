/**
 * A Parquet file written column by column, with parquetjs-lite's encodings, compression and Thrift structures.
 *
 * The package's own ParquetWriter takes rows apart through parseInt and Date: a bigint beyond 2^53 changes, days before
 * 1970 are refused, decimals lose precision and scale, timestamps their annotation. So values go to its PLAIN encoder
 * directly, which is exact, and the pages, chunks and footer around them are put together here (data pages V1, one
 * null count per chunk, no dictionaries).
 *
 * Memory: the values of one page of each column (PENDING_* below) and the encoded pages of one row group.
 */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import codec from 'parquetjs-lite/lib/codec/index.js'
import compression from 'parquetjs-lite/lib/compression.js'
import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js'
import util from 'parquetjs-lite/lib/util.js'
import type { ParquetCompression } from '../domain/delivery-stream.ts'
import type { TypedColumn } from './hive-types.ts'
import type { ScalarValue } from './hive-values.ts'
import { parquetType, scalarOf, schemaElements, type ParquetType } from './parquet-schema.ts'
import type { StagingFile } from './staging.ts'
import type { Turns } from './turns.ts'

export const PARQUETJS_VERSION = '0.8.7'

/** A page ends, in all columns together, at whichever comes first. Bytes are estimated. */
const PENDING_ROWS_MAX = 8_192
const PENDING_CELLS_MAX = 400_000
const PENDING_BYTES_MAX = 4 * 1024 * 1024
/** A row group ends once its encoded pages reach this. */
const ROW_GROUP_BYTES_MAX = 16 * 1024 * 1024

const MAGIC = Buffer.from('PAR1')
const gzipped = promisify(gzip)

interface ColumnBuffer {
  readonly name: string
  readonly type: ParquetType
  /** Of the page to be. */
  values: unknown[]
  levels: number[]
  /** Of the row group to be. */
  pages: Uint8Array[]
  pageBytes: number
  uncompressedBytes: number
  nulls: number
}

export class ParquetFile {
  readonly #file: StagingFile
  readonly #schema: readonly ThriftStruct[]
  readonly #columns: readonly ColumnBuffer[]
  readonly #compression: ParquetCompression
  readonly #turns: Turns
  readonly #rowGroups: ThriftStruct[] = []
  readonly #pageRowsMax: number
  #offset = 0
  #rows = 0
  #groupRows = 0
  #groupBytes = 0
  #pageRows = 0
  #pageBytes = 0

  /** @param file new; the caller closes it */
  constructor(
    file: StagingFile,
    columns: readonly TypedColumn[],
    options: { readonly compression: ParquetCompression; readonly turns: Turns },
  ) {
    this.#file = file
    this.#schema = schemaElements(columns)
    this.#columns = columns.map((column) => ({
      name: column.name,
      type: parquetType(scalarOf(column)),
      values: [],
      levels: [],
      ...emptyChunk(),
    }))
    this.#compression = options.compression
    this.#turns = options.turns
    this.#pageRowsMax = Math.max(
      1,
      Math.min(PENDING_ROWS_MAX, Math.floor(PENDING_CELLS_MAX / columns.length)),
    )
  }

  get rows(): number {
    return this.#rows
  }

  /** Takes one row, values in schema order. When `isPageFull`, await `endPage` before the next. */
  append(row: readonly (ScalarValue | null)[]): void {
    for (const [index, column] of this.#columns.entries()) {
      const value = row[index] ?? null
      column.levels.push(value === null ? 0 : 1)
      if (value === null) continue
      column.values.push(column.type.plain === undefined ? value : column.type.plain(value))
      this.#pageBytes += typeof value === 'object' || typeof value === 'string' ? value.length : 8
    }
    this.#pageRows += 1
    this.#rows += 1
  }

  get isPageFull(): boolean {
    return this.#pageRows >= this.#pageRowsMax || this.#pageBytes >= PENDING_BYTES_MAX
  }

  async endPage(): Promise<void> {
    if (this.#pageRows === 0) return
    for (const column of this.#columns) {
      await this.#encodePage(column)
      if (this.#turns.isOver) await this.#turns.next()
    }
    this.#groupRows += this.#pageRows
    this.#pageRows = 0
    this.#pageBytes = 0
    if (this.#groupBytes >= ROW_GROUP_BYTES_MAX) await this.#endRowGroup()
  }

  /** Writes what is left and the footer; answers the length of the file. */
  async finish(): Promise<number> {
    await this.endPage()
    await this.#endRowGroup()
    const footer = util.serializeThrift(
      new thrift.FileMetaData({
        version: 1,
        schema: this.#schema,
        num_rows: this.#rows,
        row_groups: this.#rowGroups,
        created_by: `parquetjs-lite version ${PARQUETJS_VERSION} (build hydrant)`,
      }),
    )
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32LE(footer.length)
    await this.#write([...(this.#offset === 0 ? [MAGIC] : []), footer, length, MAGIC])
    return this.#offset
  }

  async #encodePage(column: ColumnBuffer): Promise<void> {
    const { levels, values, type } = column
    const count = levels.length
    column.nulls += count - values.length
    const options = type.typeLength === undefined ? {} : { typeLength: type.typeLength }
    const body = Buffer.concat([
      definitionLevels(levels),
      codec.PLAIN.encodeValues(type.physical, values, options),
    ])
    column.values = []
    column.levels = []
    const packed = await this.#compress(body)
    const header = util.serializeThrift(
      new thrift.PageHeader({
        type: thrift.PageType['DATA_PAGE'],
        uncompressed_page_size: body.length,
        compressed_page_size: packed.length,
        data_page_header: new thrift.DataPageHeader({
          num_values: count,
          encoding: thrift.Encoding['PLAIN'],
          definition_level_encoding: thrift.Encoding['RLE'],
          repetition_level_encoding: thrift.Encoding['RLE'],
        }),
      }),
    )
    column.pages.push(header, packed)
    column.pageBytes += header.length + packed.length
    column.uncompressedBytes += header.length + body.length
    this.#groupBytes += header.length + packed.length
  }

  async #compress(body: Buffer): Promise<Uint8Array> {
    return this.#compression === 'GZIP'
      ? gzipped(body)
      : compression.deflate(this.#compression === 'ZSTD' ? 'UNCOMPRESSED' : this.#compression, body)
  }

  async #endRowGroup(): Promise<void> {
    if (this.#groupRows === 0) return
    if (this.#offset === 0) await this.#write([MAGIC])
    const uncompressedBytes = this.#columns.reduce((sum, column) => sum + column.uncompressedBytes, 0)
    const chunks: ThriftStruct[] = []
    for (const column of this.#columns) {
      chunks.push(this.#columnChunk(column))
      await this.#write(column.pages)
      Object.assign(column, emptyChunk())
    }
    const rowGroup = new thrift.RowGroup({
      columns: chunks,
      total_byte_size: uncompressedBytes,
      num_rows: this.#groupRows,
    })
    this.#rowGroups.push(rowGroup)
    this.#groupRows = 0
    this.#groupBytes = 0
  }

  #columnChunk(column: ColumnBuffer): ThriftStruct {
    const metadata = new thrift.ColumnMetaData()
    metadata.type = thrift.Type[column.type.physical]
    metadata.encodings = [thrift.Encoding['RLE'], thrift.Encoding['PLAIN']]
    metadata.path_in_schema = [column.name]
    metadata.codec = thrift.CompressionCodec[this.#compression]
    metadata.num_values = this.#groupRows
    metadata.total_uncompressed_size = column.uncompressedBytes
    metadata.total_compressed_size = column.pageBytes
    metadata.data_page_offset = this.#offset
    metadata.statistics = new thrift.Statistics({ null_count: column.nulls })
    return new thrift.ColumnChunk({ file_offset: this.#offset, meta_data: metadata })
  }

  async #write(buffers: readonly Uint8Array[]): Promise<void> {
    for (const buffer of buffers) {
      this.#file.add(buffer)
      this.#offset += buffer.length
      if (this.#file.isFull) await this.#file.flush()
    }
  }
}

function emptyChunk(): Pick<ColumnBuffer, 'pages' | 'pageBytes' | 'uncompressedBytes' | 'nulls'> {
  return { pages: [], pageBytes: 0, uncompressedBytes: 0, nulls: 0 }
}

/** One bit a row in RLE's bit-packed form, or one run when all are alike; the length of the bytes before them. */
function definitionLevels(levels: readonly number[]): Buffer {
  return codec.RLE.encodeValues('INT32', [...levels], { bitWidth: 1 })
}

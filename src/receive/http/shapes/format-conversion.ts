/** DataFormatConversionConfiguration. */
import { boolean, choice, roleWord, structure, word, words } from '../shapes.ts'

const parquetSerDe = structure({
  BlockSizeBytes: { type: 'integer', min: 67_108_864 },
  PageSizeBytes: { type: 'integer', min: 65_536 },
  Compression: choice(['SNAPPY', 'GZIP', 'UNCOMPRESSED']),
  EnableDictionaryCompression: boolean,
  MaxPaddingBytes: { type: 'integer', min: 0 },
  WriterVersion: choice(['V1', 'V2']),
})

const orcSerDe = structure({
  StripeSizeBytes: { type: 'integer', min: 8_388_608 },
  BlockSizeBytes: { type: 'integer', min: 67_108_864 },
  RowIndexStride: { type: 'integer', min: 1000 },
  EnablePadding: boolean,
  PaddingTolerance: { type: 'double', min: 0, max: 1 },
  Compression: choice(['ZLIB', 'SNAPPY', 'NONE']),
  BloomFilterColumns: { type: 'list', of: word },
  BloomFilterFalsePositiveProbability: { type: 'double', min: 0, max: 1 },
  DictionaryKeyThreshold: { type: 'double', min: 0, max: 1 },
  FormatVersion: choice(['V0_11', 'V0_12']),
})

export const dataFormatConversionConfiguration = structure({
  SchemaConfiguration: structure({
    RoleARN: roleWord,
    CatalogId: word,
    DatabaseName: word,
    TableName: word,
    Region: word,
    VersionId: word,
  }),
  InputFormatConfiguration: structure({
    Deserializer: structure({
      OpenXJsonSerDe: structure({
        ConvertDotsInJsonKeysToUnderscores: boolean,
        CaseInsensitive: boolean,
        ColumnToJsonKeyMappings: { type: 'map', key: word, of: words },
      }),
      HiveJsonSerDe: structure({ TimestampFormats: { type: 'list', of: words } }),
    }),
  }),
  OutputFormatConfiguration: structure({
    Serializer: structure({ ParquetSerDe: parquetSerDe, OrcSerDe: orcSerDe }),
  }),
  Enabled: boolean,
})

/** Broken constraints in the words and the order of the service; several of the cases were seen on the real one. */
import { expect, test } from 'vitest'
import { readStructure, validated, type StructureShape } from '../../src/receive/http/constraints.ts'
import { createInputShape } from '../../src/receive/http/create-input.ts'
import { javaHashOrder } from '../../src/receive/http/java-hash-order.ts'
import { structure, tagKeys, words } from '../../src/receive/http/shapes.ts'
import { createInput } from '../support/api-inputs.ts'
import { refusalOf } from '../support/refusal.ts'

const create = createInputShape({ limits: 'aws', roleOptional: false })
const DESTINATION = 'extendedS3DestinationConfiguration'
const SERIALIZER = `${DESTINATION}.dataFormatConversionConfiguration.outputFormatConfiguration.serializer`

function refusal(shape: StructureShape, input: unknown): string {
  return refusalOf(() => validated(shape, input))
}

function conversionRefusal(conversion: object): string {
  return refusal(create, createInput('a', { DataFormatConversionConfiguration: conversion }))
}

/** Violations of members whose values are hidden. */
function violations(prefix: string, ...broken: [path: string, rule: string][]): string {
  const sentences = broken.map(
    ([path, rule]) => `Value at '${prefix}.${path}' failed to satisfy constraint: Member must ${rule}`,
  )
  const plural = broken.length === 1 ? '' : 's'
  return `ValidationException: ${broken.length} validation error${plural} detected: ${sentences.join('; ')}`
}

const low = (min: number): string => `have value greater than or equal to ${min}`

test('members of ParquetSerDe are told in the order seen on the service', () => {
  const ParquetSerDe = {
    BlockSizeBytes: 1,
    PageSizeBytes: 1,
    Compression: 'ZSTD',
    MaxPaddingBytes: -1,
    WriterVersion: 'V3',
  }
  expect(conversionRefusal({ OutputFormatConfiguration: { Serializer: { ParquetSerDe } } })).toBe(
    violations(
      `${SERIALIZER}.parquetSerDe`,
      ['maxPaddingBytes', low(0)],
      ['blockSizeBytes', low(67_108_864)],
      ['pageSizeBytes', low(65_536)],
      ['compression', 'satisfy enum value set: [SNAPPY, GZIP, UNCOMPRESSED]'],
      ['writerVersion', 'satisfy enum value set: [V1, V2]'],
    ),
  )
})

test('members of OrcSerDe are told in the order seen on the service', () => {
  const OrcSerDe = {
    StripeSizeBytes: 1,
    BlockSizeBytes: 1,
    RowIndexStride: 1,
    PaddingTolerance: -1,
    Compression: 'ZSTD',
    BloomFilterFalsePositiveProbability: 2,
    DictionaryKeyThreshold: 2,
    FormatVersion: 'V0_10',
  }
  expect(conversionRefusal({ OutputFormatConfiguration: { Serializer: { OrcSerDe } } })).toBe(
    violations(
      `${SERIALIZER}.orcSerDe`,
      ['dictionaryKeyThreshold', 'have value less than or equal to 1'],
      ['blockSizeBytes', low(67_108_864)],
      ['rowIndexStride', low(1000)],
      ['paddingTolerance', low(0)],
      ['stripeSizeBytes', low(8_388_608)],
      ['compression', 'satisfy enum value set: [ZLIB, SNAPPY, NONE]'],
      ['formatVersion', 'satisfy enum value set: [V0_11, V0_12]'],
      ['bloomFilterFalsePositiveProbability', 'have value less than or equal to 1'],
    ),
  )
})

test('serializer, deserializer and schema are told in that order, the schema in its own', () => {
  const pattern = String.raw`satisfy regular expression pattern: ^\S+$`
  const SchemaConfiguration = {
    CatalogId: 'c d',
    DatabaseName: 'e f',
    TableName: 'g h',
    Region: 'i j',
    VersionId: 'k l',
  }
  expect(
    conversionRefusal({
      SchemaConfiguration,
      OutputFormatConfiguration: { Serializer: { ParquetSerDe: { PageSizeBytes: 1 } } },
    }),
  ).toBe(
    violations(
      `${DESTINATION}.dataFormatConversionConfiguration`,
      ['outputFormatConfiguration.serializer.parquetSerDe.pageSizeBytes', low(65_536)],
      ['schemaConfiguration.versionId', pattern],
      ['schemaConfiguration.catalogId', pattern],
      ['schemaConfiguration.databaseName', pattern],
      ['schemaConfiguration.region', pattern],
      ['schemaConfiguration.tableName', pattern],
    ),
  )
})

test('an empty value breaks its length and its pattern, told in that order', () => {
  expect(conversionRefusal({ SchemaConfiguration: { RoleARN: '' } })).toBe(
    violations(
      `${DESTINATION}.dataFormatConversionConfiguration.schemaConfiguration`,
      ['roleARN', 'have length greater than or equal to 1'],
      ['roleARN', String.raw`satisfy regular expression pattern: ^\S+$`],
    ),
  )
})

test('a role that is none is told before everything else, an empty one is not', () => {
  const invalid = 'InvalidParameterValueException: Invalid role ARN.'
  expect(conversionRefusal({ SchemaConfiguration: { RoleARN: 'r', Region: 'i j' } })).toBe(invalid)
  expect(refusal(create, createInput('a b', { RoleARN: 'arn:aws:iam::1:role/x' }))).toBe(invalid)
  expect(refusal(create, createInput('a', { RoleARN: '' }))).toMatch(
    /^ValidationException: 2 validation errors detected: Value at 'extendedS3DestinationConfiguration.roleARN'/,
  )
})

test('keys and values of a map are told once each, with all their rules', () => {
  const refused = (ColumnToJsonKeyMappings: object): string =>
    conversionRefusal({
      InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: { ColumnToJsonKeyMappings } } },
    })
  const at = `Value at '${DESTINATION}.dataFormatConversionConfiguration.inputFormatConfiguration.deserializer.openXJsonSerDe.columnToJsonKeyMappings' failed to satisfy constraint`
  const lengths =
    'Member must have length less than or equal to 1024, Member must have length greater than or equal to 1'
  const keys = String.raw`${at}: Map keys must satisfy constraint: [${lengths}, Member must satisfy regular expression pattern: ^\S+$]`
  const values = String.raw`${at}: Map value must satisfy constraint: [${lengths}, Member must satisfy regular expression pattern: ^(?!\s*$).+]`
  expect(refused({ 'has space': '', 'also space': ' ' })).toBe(
    `ValidationException: 2 validation errors detected: ${keys}; ${values}`,
  )
  expect(refused({ a: 'x'.repeat(1025) })).toBe(`ValidationException: 1 validation error detected: ${values}`)
  expect(refused({ a: 'a\nb' })).toBe(`ValidationException: 1 validation error detected: ${values}`)
  // White space is ASCII to the service.
  expect(refused({ 'no\u00a0break': '\u3000' })).toBe('nothing')
  expect(refused({ __proto__: 'x', constructor: 'y' })).toBe('nothing')
})

test('what a list of strings holds is told once, with all its rules', () => {
  const shape = structure({ TagKeys: tagKeys })
  const rules = String.raw`Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ^(?!aws:)[\p{L}\p{Z}\p{N}_.:\/=+\-@%]*$]`
  expect(refusal(shape, { TagKeys: ['a', 'aws:b', ''] })).toBe(
    `ValidationException: 1 validation error detected: Value '[a, aws:b, ]' at 'tagKeys' failed to satisfy constraint: ${rules}`,
  )
  expect(refusal(shape, { TagKeys: [] })).toBe(
    "ValidationException: 1 validation error detected: Value '[]' at 'tagKeys' failed to satisfy constraint: Member must have length greater than or equal to 1",
  )
  expect(refusal(shape, { TagKeys: ['a', null] })).toBe(
    "ValidationException: 1 validation error detected: Value at 'tagKeys.2.member' failed to satisfy constraint: Member must not be null",
  )
})

test.each([
  [1.9, 1],
  [-0.5, 0],
])('the fraction of the integer %d is cut off in a request and told in a file', (given, taken) => {
  const shape = structure({ Limit: { type: 'integer' } })
  expect(validated(shape, { Limit: given })).toEqual({ Limit: taken })
  expect(Object.is(validated(shape, { Limit: given })['Limit'], taken)).toBe(true)
  expect(readStructure(shape, { Limit: given }).violations).toEqual([
    `Value '${given}' at 'limit' failed to satisfy constraint: Member must be a whole number`,
  ])
})

const NUMBER = 'class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to'
const scalars = structure({
  Text: { type: 'string' },
  Integer: { type: 'integer' },
  Double: { type: 'double', min: 0, max: 1 },
  Boolean: { type: 'boolean' },
  Time: { type: 'timestamp' },
  Blob: { type: 'blob', max: 3 },
  List: { type: 'list', of: words },
  Map: { type: 'map', key: words, of: words },
  Structure: structure({}),
})

test.each<[object, string]>([
  [{ Text: 5 }, `${NUMBER} an String`],
  [{ Text: false }, 'class java.lang.Boolean can not be converted to an String'],
  [{ Text: [] }, 'Start of list found where not expected'],
  [{ Text: {} }, 'Start of structure or map found where not expected.'],
  [{ Integer: '5' }, 'class java.lang.String can not be converted to an Integer'],
  [{ Integer: true }, 'class java.lang.Boolean can not be converted to an Integer'],
  [{ Integer: 2_147_483_648 }, `${NUMBER} an Integer`],
  [{ Integer: Infinity }, `${NUMBER} an Integer`],
  [{ Double: '0.5' }, 'class java.lang.String can not be converted to an Double'],
  [{ Boolean: 'true' }, "'TRUE' can not be converted to an Boolean"],
  [{ Boolean: 1 }, `${NUMBER} an Boolean`],
  [{ Time: '2026-11-02' }, 'class java.lang.String can not be converted to milliseconds since epoch'],
  [{ Time: Infinity }, `${NUMBER.replace(' to', '')} to milliseconds since epoch`],
  [{ Blob: true }, 'class java.lang.Boolean can not be converted to a Blob'],
  [
    { Blob: '23456' },
    "'23456' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 5",
  ],
  [{ Blob: '=+/=' }, "'=+/=' can not be converted to a Blob: Invalid Base64 character: '='"],
  [{ Blob: 'ab-_' }, "'ab-_' can not be converted to a Blob: Invalid Base64 character: '-'"],
  [{ List: {} }, 'Start of structure or map found where not expected.'],
  [{ List: 5 }, 'Expected list or null'],
  [{ List: ['a', 5] }, `${NUMBER} an String`],
  [{ List: [['a']] }, 'Start of list found where not expected'],
  [{ Map: [] }, 'Start of list found where not expected'],
  [{ Map: 'a' }, 'Expected map or null'],
  [{ Map: { a: {} } }, 'Start of structure or map found where not expected.'],
  [{ Structure: [] }, 'Start of list found where not expected'],
  [{ Structure: 'a' }, 'Expected null'],
])('%j is of the wrong type', (input, message) => {
  expect(refusal(scalars, input)).toBe(`SerializationException: ${message}`)
})

test('numbers that are none break both bounds, the upper one told first, infinite ones one', () => {
  const refused = (Double: unknown): string => refusal(scalars, { Double })
  expect(refused('NaN')).toMatch(/^ValidationException: 2 .*less than or equal to 1; .*than or equal to 0$/)
  expect(refused('Infinity')).toMatch(/^ValidationException: 1 .*less than or equal to 1$/)
  expect(refused('-Infinity')).toMatch(/^ValidationException: 1 .*greater than or equal to 0$/)
})

test('nulls and members that are not known are passed over, names are told apart by case', () => {
  expect(validated(scalars, null)).toEqual({})
  expect(validated(scalars, { Text: null, text: 5, __proto__: 5, Other: {}, Integer: 1 })).toEqual({
    Integer: 1,
  })
})

test('a file is told what the service hides or passes over', () => {
  const { violations: told, unknown } = readStructure(create, {
    ...createInput('a', { CompressionFormat: 'gzip', Bucket: 'b' }),
    Other: 1,
  })
  expect(told).toEqual([
    expect.stringMatching(/^Value 'gzip' at 'extendedS3DestinationConfiguration.compression/),
  ])
  expect(unknown.map(({ path }) => path)).toEqual([`${DESTINATION}.Bucket`, 'Other'])
})

test('a value is quoted up to 10,240 characters, and 1,000 violations are told', () => {
  const shape = structure({
    Name: { type: 'string', max: 5 },
    List: { type: 'list', of: structure({ A: words }, ['A']) },
  })
  expect(refusal(shape, { Name: 'x'.repeat(20_000) })).toBe(
    `ValidationException: 1 validation error detected: Value '${'x'.repeat(10_240)}…' at 'name' failed to satisfy constraint: Member must have length less than or equal to 5`,
  )
  const many = refusal(shape, { List: Array.from({ length: 5000 }, () => ({})) })
  expect(many).toMatch(/^ValidationException: 1000 validation errors detected: /)
  expect(many.split('; ')).toHaveLength(1000)
})

test('names are ordered as by a HashMap, which grows with them', () => {
  expect(javaHashOrder(['RoleARN', 'CatalogId', 'DatabaseName', 'TableName', 'Region', 'VersionId'])).toEqual(
    ['VersionId', 'CatalogId', 'DatabaseName', 'RoleARN', 'Region', 'TableName'],
  )
  // Single letters hash to their codes: 16 buckets begin with p, 32 of them, from 13 names on, with a.
  expect(javaHashOrder('opq'.split(''))).toEqual('pqo'.split(''))
  expect(javaHashOrder('qponmlkjihgfedcba'.split(''))).toEqual('abcdefghijklmnopq'.split(''))
})

/**
 * Rules of DataFormatConversionConfiguration that need no catalog, in the order in which the service was seen to check them.
 * A later rule reads what an earlier one found missing as empty.
 */
import { isTimestampFormat } from '../domain/joda-time/pattern.ts'
import { SIZE_IN_MBS_CONVERTING } from '../domain/limits.ts'
import type { ConversionInput, ExtendedS3Input } from './http/create-input.ts'
import type { ShapeOptions } from './http/shapes.ts'
import { notSupported } from './not-supported.ts'

export function converts(conversion: ConversionInput | undefined): conversion is ConversionInput {
  return conversion !== undefined && conversion.Enabled !== false
}

export function* conversionProblems(destination: ExtendedS3Input, options: ShapeOptions): Generator<string> {
  const conversion = destination.DataFormatConversionConfiguration
  if (!converts(conversion)) return
  if ((destination.CompressionFormat ?? 'UNCOMPRESSED') !== 'UNCOMPRESSED')
    yield "The S3 destination's compression format must be set to UNCOMPRESSED when data format conversion is enabled. To enable compression within the converted output format, set the appropriate serialization option in the output format configuration."
  const size = destination.BufferingHints?.SizeInMBs
  if (options.limits === 'aws' && size !== undefined && size < SIZE_IN_MBS_CONVERTING.min)
    yield `BufferingHints.SizeInMBs must be at least ${SIZE_IN_MBS_CONVERTING.min} when data format conversion is enabled.`
  yield* memberProblems(conversion)
  yield* schemaProblems(conversion, options)
  yield* deserializerProblems(conversion)
}

function* memberProblems(conversion: ConversionInput): Generator<string> {
  const input = conversion.InputFormatConfiguration
  const output = conversion.OutputFormatConfiguration
  if (input === undefined) yield 'InputFormatConfiguration must not be null'
  if (output === undefined) yield 'OutputFormatConfiguration must not be null'
  if (conversion.SchemaConfiguration === undefined) yield 'SchemaConfiguration must not be null'
  const deserializers = Object.keys(input?.Deserializer ?? {}).length
  const serializers = Object.keys(output?.Serializer ?? {}).length
  if (input !== undefined && deserializers === 0) yield 'Deserializer must not be null'
  if (output !== undefined && serializers === 0) yield 'Serializer must not be null'
  if (deserializers > 1) yield 'More than one deserializer specified. Only one may be chosen.'
  if (serializers > 1) yield 'More than one serializer specified. Only one may be chosen.'
}

function* schemaProblems(conversion: ConversionInput, options: ShapeOptions): Generator<string> {
  const schema = conversion.SchemaConfiguration
  if (schema === undefined) return
  if (schema.RoleARN === undefined && !options.roleOptional)
    yield 'SchemaConfiguration.RoleArn must not be null or empty'
  if (schema.DatabaseName === undefined) yield 'SchemaConfiguration.DatabaseName must not be null or empty'
  if (schema.TableName === undefined) yield 'SchemaConfiguration.TableName must not be null or empty'
}

function* deserializerProblems(conversion: ConversionInput): Generator<string> {
  const { OpenXJsonSerDe: openX, HiveJsonSerDe: hive } =
    conversion.InputFormatConfiguration?.Deserializer ?? {}
  const columns = Object.keys(openX?.ColumnToJsonKeyMappings ?? {}).map((column) => column.toLowerCase())
  const twice = columns.filter((column, index) => columns.indexOf(column) < index)
  if (twice.length > 0) yield invalidOptions(`ColumnToJsonKeyMappings has column ${twice.join(', ')} twice`)
  for (const format of hive?.TimestampFormats ?? [])
    if (!isTimestampFormat(format))
      yield `One or more SerDe options are invalid for org.apache.hcatalog.data.JsonSerDe: [Key: timestamp.formats Value: ${format}]`
}

/** The sentence is the service's; what follows it is ours. */
export function invalidOptions(options: string): string {
  return `Invalid deserializer option(s): ${options}`
}

/** Options of the service that this version does not have. */
export function* missingConversions(conversion: ConversionInput | undefined): Generator<string> {
  if (converts(conversion) && conversion.OutputFormatConfiguration?.Serializer?.OrcSerDe !== undefined)
    yield notSupported('OrcSerDe', 'ParquetSerDe, since there is no maintained writer of ORC for Node.js')
}

/**
 * The one way from the input of CreateDeliveryStream to a delivery stream, for the API and for configuration files: a
 * pure function of the input, the account and what was drawn for this life of the stream.
 */
import type {
  BufferingHints,
  Column,
  DeliveryStream,
  FormatConversion,
  JsonObject,
  JsonValue,
  MetadataColumn,
  S3Destination,
} from '../domain/delivery-stream.ts'
import { ClientError, EncoderError } from '../domain/errors.ts'
import { INTERVAL_IN_SECONDS, MIB, SIZE_IN_MBS, SIZE_IN_MBS_CONVERTING } from '../domain/limits.ts'
import type { ResolveColumns } from '../domain/ports.ts'
import { converts, streamProblems } from './destination-rules.ts'
import {
  extensionMessage,
  extensionOf,
  extensionProblems,
  kinesisSourceOf,
  metadataColumnsOf,
  type ExtensionProblem,
  type Extensions,
  type StreamExtension,
} from './extensions.ts'
import type { ConversionInput, CreateInput, ExtendedS3Input } from './http/create-input.ts'
import type { ShapeOptions } from './http/shapes.ts'

export interface DefinitionContext extends ShapeOptions {
  readonly region: string
  readonly accountId: string
  /** 16 lower-case hexadecimal digits, drawn for this stream. */
  readonly incarnation: string
  /** Wall clock, epoch ms. */
  readonly nowMs: number
  readonly extensions?: Extensions | undefined
}

/**
 * @param input as read by `createInputShape`
 * @throws ClientError InvalidArgumentException with the first rule that is broken
 */
export function definitionFrom(input: CreateInput, context: DefinitionContext): DeliveryStream {
  for (const message of streamProblems(input, context))
    throw new ClientError('InvalidArgumentException', message)
  const given = input.ExtendedS3DestinationConfiguration ?? input.S3DestinationConfiguration
  if (given === undefined)
    throw new Error('define delivery stream: a stream without destination passed the rules')
  const extension = extensionOf(context.extensions, input.DeliveryStreamName)
  for (const problem of unfitExtension(input, extension, context.nowMs))
    throw new ClientError('InvalidArgumentException', extensionMessage(input.DeliveryStreamName, problem))
  const destination = { ...given, RoleARN: given.RoleARN ?? defaultRole(context) }
  return {
    name: input.DeliveryStreamName,
    incarnation: context.incarnation,
    arn: `arn:${partition(context.region)}:firehose:${context.region}:${context.accountId}:deliverystream/${input.DeliveryStreamName}`,
    type: input.KinesisStreamSourceConfiguration === undefined ? 'DirectPut' : 'KinesisStreamAsSource',
    status: 'ACTIVE',
    version: 1,
    revision: 1,
    createdAtMs: context.nowMs,
    hints: hintsOf(destination),
    destination: destinationOf(destination, extension, context),
    description: descriptionOf(destination, context),
    ...sourceOf(input, extension, context),
    ...(input.Tags === undefined ? {} : { tags: input.Tags }),
    declarations: [],
  }
}

/** What a stream made from this input cannot have of its extension. */
export function unfitExtension(
  input: CreateInput,
  extension: StreamExtension | undefined,
  nowMs: number,
): Generator<ExtensionProblem> {
  const destination = input.ExtendedS3DestinationConfiguration ?? input.S3DestinationConfiguration
  return extensionProblems(
    {
      type: input.DeliveryStreamType ?? 'DirectPut',
      converts: converts(destination?.DataFormatConversionConfiguration),
    },
    extension,
    nowMs,
  )
}

/** Reads the table that a converting stream names; answers what is wrong with it. */
export async function tableProblem(
  stream: DeliveryStream,
  catalog: {
    readonly resolveColumns?: ResolveColumns | undefined
    /** What this process cannot convert of these columns, in a sentence. */
    readonly supportsColumns?: ((columns: readonly Column[]) => string | undefined) | undefined
  },
): Promise<string | undefined> {
  const { conversion } = stream.destination
  if (conversion === undefined || catalog.resolveColumns === undefined) return undefined
  try {
    const columns = await catalog.resolveColumns(conversion.table)
    const [taken] = takenColumns(conversion.metadataColumns, columns)
    if (taken !== undefined) return extensionMessage(stream.name, taken)
    return catalog.supportsColumns?.(columns)
  } catch (error) {
    if (error instanceof EncoderError && error.code === 'EntityNotFound') return error.message
    throw error
  }
}

/** Metadata columns whose names columns of the table have already. */
export function takenColumns(
  metadataColumns: readonly MetadataColumn[] | undefined,
  columns: readonly Column[],
): ExtensionProblem[] {
  const taken = (metadataColumns ?? []).filter(({ name }) => columns.some((column) => column.name === name))
  return taken.map(({ field, name }) => ({
    path: ['metadataColumns', field],
    message: `the table has a column "${name}" already; choose another name`,
  }))
}

/** `DeliveryStartTimestamp` is when the stream was created, wherever reading begins. */
function sourceOf(
  input: CreateInput,
  extension: StreamExtension | undefined,
  context: DefinitionContext,
): Pick<DeliveryStream, 'kinesis' | 'source'> {
  const { DirectPutSourceConfiguration: hint, KinesisStreamSourceConfiguration: given } = input
  if (given === undefined)
    return hint === undefined ? {} : { source: { DirectPutSourceDescription: { ...hint } } }
  const { KinesisStreamARN, RoleARN = defaultRole(context) } = given
  return {
    kinesis: kinesisSourceOf(KinesisStreamARN, extension, context.nowMs),
    source: {
      KinesisStreamSourceDescription: {
        KinesisStreamARN,
        RoleARN,
        DeliveryStartTimestamp: context.nowMs / 1000,
      },
    },
  }
}

/** China and GovCloud have partitions of their own. */
function partition(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

/** Describe must name a role; nothing here assumes one. */
function defaultRole({ region, accountId }: DefinitionContext): string {
  return `arn:${partition(region)}:iam::${accountId}:role/hydrant`
}

function hintsInAwsUnits(destination: ExtendedS3Input): { SizeInMBs: number; IntervalInSeconds: number } {
  const size = converts(destination.DataFormatConversionConfiguration) ? SIZE_IN_MBS_CONVERTING : SIZE_IN_MBS
  return {
    SizeInMBs: destination.BufferingHints?.SizeInMBs ?? size.fallback,
    IntervalInSeconds: destination.BufferingHints?.IntervalInSeconds ?? INTERVAL_IN_SECONDS.fallback,
  }
}

function hintsOf(destination: ExtendedS3Input): BufferingHints {
  const { SizeInMBs, IntervalInSeconds } = hintsInAwsUnits(destination)
  return { bytes: SizeInMBs * MIB, intervalMs: IntervalInSeconds * 1000 }
}

function destinationOf(
  destination: ExtendedS3Input,
  extension: StreamExtension | undefined,
  context: DefinitionContext,
): S3Destination {
  const conversion = destination.DataFormatConversionConfiguration
  return {
    bucket: destination.BucketARN.slice(destination.BucketARN.indexOf(':::') + 3),
    prefix: destination.Prefix ?? '',
    errorOutputPrefix: destination.ErrorOutputPrefix ?? '',
    compression: destination.CompressionFormat === 'GZIP' ? 'GZIP' : 'UNCOMPRESSED',
    ...(converts(conversion) ? { conversion: conversionOf(conversion, extension, context) } : {}),
  }
}

function conversionOf(
  conversion: ConversionInput,
  extension: StreamExtension | undefined,
  context: DefinitionContext,
): FormatConversion {
  const schema = conversion.SchemaConfiguration
  if (schema?.DatabaseName === undefined || schema.TableName === undefined)
    throw new Error('define delivery stream: a conversion without table passed the rules')
  const metadataColumns = metadataColumnsOf(extension)
  return {
    table: {
      databaseName: schema.DatabaseName,
      tableName: schema.TableName,
      region: schema.Region ?? context.region,
      ...(schema.CatalogId === undefined ? {} : { catalogId: schema.CatalogId }),
      versionId: schema.VersionId ?? 'LATEST',
      roleArn: schema.RoleARN ?? defaultRole(context),
    },
    caseInsensitive:
      conversion.InputFormatConfiguration?.Deserializer?.OpenXJsonSerDe?.CaseInsensitive ?? true,
    parquetCompression:
      conversion.OutputFormatConfiguration?.Serializer?.ParquetSerDe?.Compression ?? 'SNAPPY',
    ...(metadataColumns.length === 0 ? {} : { metadataColumns }),
  }
}

/** ExtendedS3DestinationDescription, with the defaults that the service fills in. */
function descriptionOf(destination: ExtendedS3Input, context: DefinitionContext): JsonObject {
  const conversion = destination.DataFormatConversionConfiguration
  return {
    RoleARN: destination.RoleARN ?? defaultRole(context),
    BucketARN: destination.BucketARN,
    ...optional('Prefix', destination.Prefix),
    ...optional('ErrorOutputPrefix', destination.ErrorOutputPrefix),
    BufferingHints: hintsInAwsUnits(destination),
    CompressionFormat: destination.CompressionFormat ?? 'UNCOMPRESSED',
    EncryptionConfiguration: { NoEncryptionConfig: 'NoEncryption' },
    CloudWatchLoggingOptions: { Enabled: false, ...destination.CloudWatchLoggingOptions },
    ...optional('ProcessingConfiguration', processingDescription(destination)),
    S3BackupMode: 'Disabled',
    ...optional(
      'DataFormatConversionConfiguration',
      conversion && conversionDescription(conversion, context),
    ),
    ...optional('DynamicPartitioningConfiguration', asJson(destination.DynamicPartitioningConfiguration)),
    ...optional('FileExtension', destination.FileExtension === '' ? undefined : destination.FileExtension),
    ...optional('CustomTimeZone', destination.CustomTimeZone === '' ? undefined : destination.CustomTimeZone),
  }
}

function processingDescription({
  ProcessingConfiguration: processing,
}: ExtendedS3Input): JsonObject | undefined {
  if (processing === undefined) return undefined
  return { Enabled: processing.Enabled ?? false, Processors: processing.Processors ?? [] }
}

function conversionDescription(conversion: ConversionInput, context: DefinitionContext): JsonObject {
  const Enabled = conversion.Enabled ?? true
  const defaults = { RoleARN: defaultRole(context), Region: context.region, VersionId: 'LATEST' }
  const schema = Enabled ? { ...defaults, ...conversion.SchemaConfiguration } : conversion.SchemaConfiguration
  return {
    ...optional('SchemaConfiguration', asJson(schema)),
    ...optional('InputFormatConfiguration', asJson(conversion.InputFormatConfiguration)),
    ...optional('OutputFormatConfiguration', asJson(conversion.OutputFormatConfiguration)),
    Enabled,
  }
}

function optional(name: string, value: JsonValue | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value }
}

/** What was read from JSON is JSON. */
function asJson(value: object | undefined): JsonObject | undefined {
  return value === undefined ? undefined : (value as JsonObject)
}

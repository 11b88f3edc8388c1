/**
 * The one way from the input of CreateDeliveryStream to a delivery stream, for the API and for configuration files: a
 * pure function of the input, the account and what was drawn for this life of the stream.
 */
import type { Column, DeliveryStream, MetadataColumn } from '../domain/delivery-stream.ts'
import { ClientError, EncoderError } from '../domain/errors.ts'
import type { ResolveColumns } from '../domain/ports.ts'
import { defaultRole, deliveryStreamArn, type Account } from './arns.ts'
import { destinationOf, hintsOf } from './destination-delivery.ts'
import { destinationDescription } from './destination-description.ts'
import { converts, streamProblems } from './destination-rules.ts'
import { encryptionFrom } from './encryption.ts'
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
import type { CreateInput, ExtendedS3Input } from './http/create-input.ts'
import type { ShapeOptions } from './http/shapes.ts'
import { taggedWith } from './tags.ts'

export interface DefinitionContext extends Account, ShapeOptions {
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
  const { DeliveryStreamEncryptionConfigurationInput: encryption } = input
  return {
    name: input.DeliveryStreamName,
    incarnation: context.incarnation,
    arn: deliveryStreamArn(input.DeliveryStreamName, context),
    type: input.KinesisStreamSourceConfiguration === undefined ? 'DirectPut' : 'KinesisStreamAsSource',
    status: 'ACTIVE',
    version: 1,
    revision: 1,
    createdAtMs: context.nowMs,
    ...destinationFrom(given, metadataColumnsOf(extension), context),
    ...sourceOf(input, extension, context),
    ...(input.Tags === undefined ? {} : { tags: taggedWith([], input.Tags) }),
    ...(encryption === undefined ? {} : { encryption: encryptionFrom(encryption) }),
    declarations: [],
  }
}

/** What a delivery stream takes from a destination that satisfies the rules. */
export function destinationFrom(
  given: ExtendedS3Input,
  metadataColumns: readonly MetadataColumn[],
  account: Account,
): Pick<DeliveryStream, 'hints' | 'destination' | 'description'> {
  return {
    hints: hintsOf(given),
    destination: destinationOf(given, metadataColumns, account),
    description: destinationDescription(given, account),
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

/**
 * The one way from the input of CreateDeliveryStream to a delivery stream, for the API and for configuration files: a
 * pure function of the input, the account and what was drawn for this life of the stream.
 */
import type { DeliveryStream } from '../domain/delivery-stream.ts'
import { ClientError } from '../domain/errors.ts'
import { defaultRole, deliveryStreamArn, type Account } from './arns.ts'
import { converts } from './conversion-rules.ts'
import { destinationOf, hintsOf, type Additions } from './destination-delivery.ts'
import { destinationDescription } from './destination-description.ts'
import { streamProblems } from './destination-rules.ts'
import { encryptionFrom } from './encryption.ts'
import { extensionMessage, extensionProblems, type ExtensionProblem } from './extension-rules.ts'
import {
  additionsOf,
  extensionOf,
  kinesisSourceOf,
  type Extensions,
  type StreamExtension,
} from './extensions.ts'
import type { CreateInput, ExtendedS3Input } from './http/create-input.ts'
import type { ShapeOptions } from './http/shapes.ts'
import { has } from './processors.ts'
import { taggedWith } from './tags.ts'

/** What rules and definitions ask of the deployment. */
export interface DeploymentRules {
  /** Beginnings of URLs on inner addresses that transforms may call; absent: none. */
  readonly allowedUrls?: readonly string[] | undefined
  /** Record bytes that seal a batch with dynamic partitioning; absent: 1 GiB. */
  readonly partitionedBatchBytes?: number | undefined
}

export interface DefinitionContext extends Account, ShapeOptions, DeploymentRules {
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
  const extension = extensionOf(context.extensions, input.DeliveryStreamName)
  for (const message of streamProblems(input, context, extension?.transform !== undefined))
    throw new ClientError('InvalidArgumentException', message)
  const given = input.ExtendedS3DestinationConfiguration ?? input.S3DestinationConfiguration
  if (given === undefined)
    throw new Error('define delivery stream: a stream without destination passed the rules')
  for (const problem of unfitExtension(input, extension, context))
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
    ...destinationFrom(given, additionsOf(extension), context),
    ...sourceOf(input, extension, context),
    ...(input.Tags === undefined ? {} : { tags: taggedWith([], input.Tags) }),
    ...(encryption === undefined ? {} : { encryption: encryptionFrom(encryption) }),
    declarations: [],
  }
}

/** What a delivery stream takes from a destination that satisfies the rules. */
export function destinationFrom(
  given: ExtendedS3Input,
  additions: Additions,
  context: Account & Pick<DeploymentRules, 'partitionedBatchBytes'>,
): Pick<DeliveryStream, 'hints' | 'destination' | 'description'> {
  return {
    hints: hintsOf(given, context.partitionedBatchBytes),
    destination: destinationOf(given, additions, context),
    description: destinationDescription(given, context),
  }
}

/** What a stream made from this input cannot have of its extension. */
export function unfitExtension(
  input: CreateInput,
  extension: StreamExtension | undefined,
  { nowMs, allowedUrls }: Pick<DefinitionContext, 'nowMs' | 'allowedUrls'>,
): Generator<ExtensionProblem> {
  const destination = input.ExtendedS3DestinationConfiguration ?? input.S3DestinationConfiguration
  return extensionProblems(
    {
      type: input.DeliveryStreamType ?? 'DirectPut',
      converts: converts(destination?.DataFormatConversionConfiguration),
      callsLambda: destination !== undefined && has(destination, 'Lambda'),
      nowMs,
      allowedUrls,
    },
    extension,
  )
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

/**
 * Rules of ProcessingConfiguration, in the service's words where they are known. Of processors that are not enabled only
 * their parameters' names are looked at, as they change nothing.
 */
import type { ExtendedS3Input } from './http/create-input.ts'
import {
  booleanOf,
  DATA_MESSAGE_EXTRACTION,
  delimiterOf,
  has,
  LAMBDA_DEFAULTS,
  parametersOf,
  partitions,
  processorsInForce,
  type ProcessorType,
} from './processors.ts'

/** Of one destination. */
const PROCESSORS_MAX = 5

/** docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, with the parts that a whole ARN has. */
const LAMBDA_ARN =
  /^arn:[^:\s]+:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,140}(:(\$LATEST|[A-Za-z0-9_-]{1,128}))?$/
const ROLE_ARN = /^arn:[^:\s]+:iam::\d{12}:role\/[a-zA-Z_0-9+=,.@\-/]+$/

export function* processingProblems(destination: ExtendedS3Input): Generator<string> {
  const { ProcessingConfiguration: processing } = destination
  const processors = processing?.Processors ?? []
  const repeats = processors.some(({ Parameters = [] }) => {
    const names = Parameters.map(({ ParameterName }) => ParameterName)
    return new Set(names).size < names.length
  })
  if (repeats) yield 'Duplicate ProcessorParameter passed to ProcessingConfiguration.'
  if (processing?.Enabled === true && (processors.length === 0 || processors.length > PROCESSORS_MAX))
    yield `A maximum of ${PROCESSORS_MAX} and a minimum of 1 processor needs to be supplied when processing is enabled.`
  yield* repeatedProcessors(destination)
  yield* lambdaProblems(destination)
  yield* extractionProblems(destination)
  yield* deaggregationProblems(destination)
  yield* decompressionProblems(destination)
  yield* misplacedProcessors(destination)
}

/** The service says so of Lambda. */
function* repeatedProcessors(destination: ExtendedS3Input): Generator<string> {
  const types = processorsInForce(destination).map(({ Type }) => Type)
  for (const type of new Set(['Lambda', ...types]))
    if (types.filter((other) => other === type).length > 1) yield `Cannot have more than 1 ${type} processor.`
}

function* lambdaProblems(destination: ExtendedS3Input): Generator<string> {
  const given = parametersOf(destination, 'Lambda')
  if (given === undefined) return
  const functionArn = given.get('LambdaArn')
  if (functionArn === undefined) yield 'LambdaArn is required when Lambda processor is used.'
  else if (!LAMBDA_ARN.test(functionArn)) yield 'Invalid lambda ARN.'
  const roleArn = given.get('RoleArn')
  if (roleArn !== undefined && !ROLE_ARN.test(roleArn)) yield 'Invalid role ARN.'
  if (given.has('BufferSizeInMBs') !== given.has('BufferIntervalInSeconds'))
    yield 'Both BufferSizeInMBs and BufferIntervalInSeconds are required to configure buffering for lambda processor.'
  const within = (name: keyof typeof LAMBDA_DEFAULTS, pattern: RegExp, [min, max]: [number, number]) => {
    const text = given.get(name) ?? LAMBDA_DEFAULTS[name]
    return pattern.test(text) && Number(text) >= min && Number(text) <= max
  }
  if (!within('BufferSizeInMBs', /^\d+(\.\d+)?$/, [0.2, 3]))
    yield 'BufferSizeInMBs for lambda processor must be between 0.2 and 3.'
  if (!within('BufferIntervalInSeconds', /^\d+$/, [0, 900]))
    yield 'BufferIntervalInSeconds for lambda processor must be between 0 and 900.'
  if (!within('NumberOfRetries', /^\d+$/, [0, 300]))
    yield 'Number of retries for lambda must be between 0 and 300.'
}

function* extractionProblems(destination: ExtendedS3Input): Generator<string> {
  const given = parametersOf(destination, 'MetadataExtraction')
  if (given === undefined) return
  if (!given.has('MetadataExtractionQuery'))
    yield 'MetadataExtractionQuery is required when MetadataExtraction processor is used.'
  if ((given.get('JsonParsingEngine') ?? 'JQ-1.6') !== 'JQ-1.6')
    yield 'MetaDataExtraction JSON Parsing Engine has to be one of JQ-1.6'
}

function* deaggregationProblems(destination: ExtendedS3Input): Generator<string> {
  const given = parametersOf(destination, 'RecordDeAggregation')
  if (given === undefined) return
  const type = given.get('SubRecordType')
  if (type !== 'JSON' && type !== 'DELIMITED') yield 'SubRecordType has to be one of JSON, DELIMITED'
  if (type !== 'DELIMITED') return
  const delimiter = given.get('Delimiter')
  if (delimiter === undefined) yield 'Delimiter should be present for DELIMITED'
  else if (delimiterOf(delimiter) === undefined)
    yield 'Delimiter should be base64 of at least one byte for DELIMITED'
}

function* decompressionProblems(destination: ExtendedS3Input): Generator<string> {
  const format = parametersOf(destination, 'Decompression')?.get('CompressionFormat')
  if (format !== undefined && format.toUpperCase() !== 'GZIP') yield 'CompressionFormat has to be GZIP'
  const messages = parametersOf(destination, 'CloudWatchLogProcessing')?.get(DATA_MESSAGE_EXTRACTION)
  if (messages !== undefined && booleanOf(messages) === undefined)
    yield 'Invalid parameter value for DataMessageExtraction. Allowed values are True and False.'
  if (has(destination, 'CloudWatchLogProcessing') && !has(destination, 'Decompression'))
    yield 'CloudWatchLogProcessingProcessor can only be enabled with DecompressionProcessor'
}

const ONLY_PARTITIONING: readonly ProcessorType[] = ['MetadataExtraction', 'RecordDeAggregation']

function* misplacedProcessors(destination: ExtendedS3Input): Generator<string> {
  if (partitions(destination)) return
  for (const type of ONLY_PARTITIONING)
    if (has(destination, type))
      yield `class com.amazonaws.services.firehose.internal.model.${type}Processor can only be present when Dynamic Partitioning is enabled.`
}

/** The processors of a destination and their parameters, as they are given. Only those in force: Enabled left out is false. */
import type { ExtendedS3Input, ProcessorInput } from './http/create-input.ts'

export type ProcessorType =
  | 'Decompression'
  | 'CloudWatchLogProcessing'
  | 'RecordDeAggregation'
  | 'Lambda'
  | 'MetadataExtraction'
  | 'AppendDelimiterToRecord'

export function processorsInForce({
  ProcessingConfiguration: processing,
}: ExtendedS3Input): readonly ProcessorInput[] {
  return processing?.Enabled === true ? (processing.Processors ?? []) : []
}

/** Parameters of the processor of this type; undefined where it is not in force. Names are unique once the rules passed. */
export function parametersOf(
  destination: ExtendedS3Input,
  type: ProcessorType,
): ReadonlyMap<string, string> | undefined {
  const processor = processorsInForce(destination).find(({ Type }) => Type === type)
  return (
    processor &&
    new Map((processor.Parameters ?? []).map((given) => [given.ParameterName, given.ParameterValue]))
  )
}

export function has(destination: ExtendedS3Input, type: ProcessorType): boolean {
  return processorsInForce(destination).some(({ Type }) => Type === type)
}

/** Dynamic partitioning; Enabled left out is false. */
export function partitions({ DynamicPartitioningConfiguration: partitioning }: ExtendedS3Input): boolean {
  return partitioning?.Enabled === true
}

export const LAMBDA_DEFAULTS = {
  NumberOfRetries: '3',
  BufferSizeInMBs: '1',
  BufferIntervalInSeconds: '60',
} as const

export const DATA_MESSAGE_EXTRACTION = 'DataMessageExtraction'

/** `True` and `False` in any letter case; undefined for anything else. */
export function booleanOf(text: string): boolean | undefined {
  const folded = text.toLowerCase()
  return folded === 'true' ? true : folded === 'false' ? false : undefined
}

/** Bytes of a delimiter, which is given in base64; undefined where it is none, or none are left. */
export function delimiterOf(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0
  return isBase64 && bytes.length > 0 ? bytes : undefined
}

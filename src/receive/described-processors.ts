/**
 * Processors as DescribeDeliveryStream echoes them: with parameters filled in, in the service's order, and without those
 * that it takes and ignores. What comes out means the same when it is given again.
 */
import type { JsonObject } from '../domain/delivery-stream.ts'
import type { ProcessorInput } from './http/create-input.ts'
import { DATA_MESSAGE_EXTRACTION, LAMBDA_DEFAULTS } from './processors.ts'

/** @param roleArn the destination's, which calls the function unless another is named */
export function describedProcessors(processors: readonly ProcessorInput[], roleArn: string): JsonObject[] {
  return processors.map(({ Type, Parameters = [] }) => {
    const given = Parameters.map(
      ({ ParameterName, ParameterValue }) => [ParameterName, ParameterValue] as const,
    )
    return { Type, Parameters: described(Type, given, roleArn).map(parameter) }
  })
}

type NamedValue = readonly [name: string, value: string]

function parameter([ParameterName, ParameterValue]: NamedValue): JsonObject {
  return { ParameterName, ParameterValue }
}

function described(type: string, given: readonly NamedValue[], roleArn: string): readonly NamedValue[] {
  switch (type) {
    case 'Lambda':
      return lambdaParameters(given, roleArn)
    case 'AppendDelimiterToRecord':
      return []
    case 'Decompression':
      return [['CompressionFormat', 'GZIP']]
    case 'CloudWatchLogProcessing':
      return given.map(([name, value]) => [
        name,
        name === DATA_MESSAGE_EXTRACTION ? value.toLowerCase() : value,
      ])
    default:
      return given
  }
}

/** In this order, with what stands in for a parameter that was not given. */
function lambdaParameters(given: readonly NamedValue[], roleArn: string): NamedValue[] {
  const values = new Map(given)
  const { NumberOfRetries, BufferSizeInMBs, BufferIntervalInSeconds } = LAMBDA_DEFAULTS
  const fallbacks = {
    LambdaArn: undefined,
    NumberOfRetries,
    RoleArn: roleArn,
    BufferSizeInMBs,
    BufferIntervalInSeconds,
  }
  const known = Object.entries(fallbacks).flatMap(([name, fallback]): NamedValue[] => {
    const value = values.get(name) ?? fallback
    return value === undefined ? [] : [[name, value]]
  })
  return [...known, ...given.filter(([name]) => !Object.hasOwn(fallbacks, name))]
}

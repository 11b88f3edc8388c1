/** ProcessingConfiguration. */
import { boolean, choice, structure } from '../shapes.ts'

const processorParameter = structure(
  {
    ParameterName: choice([
      'DataMessageExtraction',
      'NumberOfRetries',
      'Delimiter',
      'RoleArn',
      'JsonParsingEngine',
      'SubRecordType',
      'MetadataExtractionQuery',
      'BufferIntervalInSeconds',
      'LambdaArn',
      'BufferSizeInMBs',
      'CompressionFormat',
    ]),
    ParameterValue: { type: 'string', min: 1, max: 5120, pattern: '^(?!\\s*$).+' },
  },
  ['ParameterName', 'ParameterValue'],
)

const processor = structure(
  {
    Type: choice([
      'Decompression',
      'Lambda',
      'RecordDeAggregation',
      'MetadataExtraction',
      'AppendDelimiterToRecord',
      'CloudWatchLogProcessing',
    ]),
    Parameters: { type: 'list', of: processorParameter },
  },
  ['Type'],
)

export const processingConfiguration = structure({
  Enabled: boolean,
  Processors: { type: 'list', of: processor },
})

/** The operations of the Firehose API of 2015-08-04; IAM's actions are `firehose:` and these. */
export const FIREHOSE_OPERATIONS = [
  'CreateDeliveryStream',
  'DeleteDeliveryStream',
  'DescribeDeliveryStream',
  'ListDeliveryStreams',
  'ListTagsForDeliveryStream',
  'PutRecord',
  'PutRecordBatch',
  'StartDeliveryStreamEncryption',
  'StopDeliveryStreamEncryption',
  'TagDeliveryStream',
  'UntagDeliveryStream',
  'UpdateDestination',
] as const

/** The operations of the API by name; each has its file. */
import type { Operation } from './api.ts'
import { createDeliveryStream } from './operations/create-delivery-stream.ts'
import { deleteDeliveryStream } from './operations/delete-delivery-stream.ts'
import { describeDeliveryStream } from './operations/describe-delivery-stream.ts'
import { listDeliveryStreams } from './operations/list-delivery-streams.ts'
import { listTagsForDeliveryStream } from './operations/list-tags-for-delivery-stream.ts'
import { putRecordBatch } from './operations/put-record-batch.ts'
import { putRecord } from './operations/put-record.ts'
import { startDeliveryStreamEncryption } from './operations/start-delivery-stream-encryption.ts'
import { stopDeliveryStreamEncryption } from './operations/stop-delivery-stream-encryption.ts'
import { tagDeliveryStream } from './operations/tag-delivery-stream.ts'
import { untagDeliveryStream } from './operations/untag-delivery-stream.ts'
import { updateDestination } from './operations/update-destination.ts'

export const operations: ReadonlyMap<string, Operation> = new Map([
  ['PutRecord', putRecord],
  ['PutRecordBatch', putRecordBatch],
  ['CreateDeliveryStream', createDeliveryStream],
  ['DescribeDeliveryStream', describeDeliveryStream],
  ['ListDeliveryStreams', listDeliveryStreams],
  ['DeleteDeliveryStream', deleteDeliveryStream],
  ['UpdateDestination', updateDestination],
  ['TagDeliveryStream', tagDeliveryStream],
  ['UntagDeliveryStream', untagDeliveryStream],
  ['ListTagsForDeliveryStream', listTagsForDeliveryStream],
  ['StartDeliveryStreamEncryption', startDeliveryStreamEncryption],
  ['StopDeliveryStreamEncryption', stopDeliveryStreamEncryption],
])

/** The operations of the API by name; each has its file. */
import type { Operation } from './api.ts'
import { createDeliveryStream } from './operations/create-delivery-stream.ts'
import { deleteDeliveryStream } from './operations/delete-delivery-stream.ts'
import { describeDeliveryStream } from './operations/describe-delivery-stream.ts'
import { listDeliveryStreams } from './operations/list-delivery-streams.ts'
import { putRecordBatch } from './operations/put-record-batch.ts'
import { putRecord } from './operations/put-record.ts'

export const operations: ReadonlyMap<string, Operation> = new Map([
  ['PutRecord', putRecord],
  ['PutRecordBatch', putRecordBatch],
  ['CreateDeliveryStream', createDeliveryStream],
  ['DescribeDeliveryStream', describeDeliveryStream],
  ['ListDeliveryStreams', listDeliveryStreams],
  ['DeleteDeliveryStream', deleteDeliveryStream],
])

import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose'

const firehose = new FirehoseClient({})
const orders = Array.from({ length: 500 }, (_, index) => ({ order_id: `order-${index}`, amount: 9.5 }))
let records = orders.map((order) => ({ Data: Buffer.from(`${JSON.stringify(order)}\n`) }))
while (records.length > 0) {
  const answer = await firehose.send(
    new PutRecordBatchCommand({ DeliveryStreamName: 'company-orders-to-s3', Records: records }),
  )
  console.log(`${records.length - answer.FailedPutCount} records were taken`)
  records = records.filter((_, index) => answer.RequestResponses[index].ErrorCode !== undefined)
  if (records.length > 0) await new Promise((resolve) => setTimeout(resolve, 1000))
}

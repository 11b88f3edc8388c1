// node docs/examples/put-records.mjs <delivery stream> <file that holds a JSON array>
//
// Puts each element of the array as a record, 500 in a call, as any Firehose client does. AWS_ENDPOINT_URL_FIREHOSE says
// where; nothing else is special about Hydrant.
import { readFile } from 'node:fs/promises'
import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose'

const RECORDS_A_CALL = 500

const [stream, path] = process.argv.slice(2)
if (stream === undefined || path === undefined) {
  console.error('usage: node docs/examples/put-records.mjs <delivery stream> <file that holds a JSON array>')
  process.exit(2)
}
const firehose = new FirehoseClient({
  region: 'us-east-1',
  credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
})
const rows = JSON.parse(await readFile(path, 'utf8'))
for (let start = 0; start < rows.length; start += RECORDS_A_CALL) {
  let records = rows
    .slice(start, start + RECORDS_A_CALL)
    .map((row) => ({ Data: Buffer.from(JSON.stringify(row)) }))
  while (records.length > 0) {
    const answer = await firehose.send(
      new PutRecordBatchCommand({ DeliveryStreamName: stream, Records: records }),
    )
    // What was throttled is sent again, and nothing else.
    records = records.filter((_, index) => answer.RequestResponses[index].ErrorCode !== undefined)
  }
}
console.log(`${rows.length} records were accepted by ${stream}`)

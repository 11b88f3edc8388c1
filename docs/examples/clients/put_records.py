import json
import time

import boto3

firehose = boto3.client("firehose")
orders = [{"order_id": f"order-{number}", "amount": number + 0.5} for number in range(1, 501)]
records = [{"Data": json.dumps(order) + "\n"} for order in orders]
while records:
    answer = firehose.put_record_batch(DeliveryStreamName="company-orders-to-s3", Records=records)
    print(f"{len(records) - answer['FailedPutCount']} records were taken")
    results = zip(records, answer["RequestResponses"])
    records = [record for record, result in results if "ErrorCode" in result]
    time.sleep(1 if records else 0)

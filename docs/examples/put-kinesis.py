# python3 docs/examples/put-kinesis.py <data stream> [<how many orders>]
#
# Puts JSON orders into a Kinesis data stream, as any producer does. Nothing in it is Hydrant's: AWS_ENDPOINT_URL_KINESIS
# names a local Kinesis, and without it boto3 finds AWS by its own settings.
import json
import random
import sys
import uuid
from datetime import datetime, timezone

import boto3

STATUSES = ["placed", "paid", "shipped", "delivered"]

if len(sys.argv) not in (2, 3):
    sys.exit("usage: python3 docs/examples/put-kinesis.py <data stream> [<how many orders>]")
data_stream = sys.argv[1]
count = int(sys.argv[2]) if len(sys.argv) == 3 else 200

kinesis = boto3.client("kinesis")
for _ in range(count):
    order = {
        "order_id": str(uuid.uuid4()),
        "customer_id": f"customer-{random.randrange(20)}",
        "amount": round(random.uniform(5, 500), 2),
        "currency": random.choice(["EUR", "USD"]),
        "items": random.randrange(1, 10),
        "status": random.choice(STATUSES),
        # A timestamp column takes "Z" and, as on AWS, no offset such as "+00:00".
        "created_at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    kinesis.put_record(
        StreamName=data_stream,
        # The orders of one customer go to one shard, and so keep their order.
        PartitionKey=order["customer_id"],
        Data=json.dumps(order).encode(),
    )
print(f"{count} orders were put into {data_stream}")

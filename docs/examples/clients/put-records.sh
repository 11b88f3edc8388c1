aws firehose put-record --delivery-stream-name company-orders-to-s3 \
  --record '{"Data":"{\"order_id\":\"order-1\",\"amount\":9.5}\n"}'
aws firehose describe-delivery-stream --delivery-stream-name company-orders-to-s3
aws firehose create-delivery-stream --delivery-stream-name events-to-s3 \
  --extended-s3-destination-configuration \
  'RoleARN=arn:aws:iam::000000000000:role/firehose,BucketARN=arn:aws:s3:::lake,Prefix=events/'
aws firehose list-delivery-streams

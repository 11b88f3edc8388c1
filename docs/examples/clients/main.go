package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
)

func main() {
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		panic(err)
	}
	client := firehose.NewFromConfig(settings)
	answer, err := client.PutRecord(ctx, &firehose.PutRecordInput{
		DeliveryStreamName: aws.String("company-orders-to-s3"),
		Record:             &types.Record{Data: []byte("{\"order_id\":\"order-1\",\"amount\":9.5}\n")},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(*answer.RecordId)
}

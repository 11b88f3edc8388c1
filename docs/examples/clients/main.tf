terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region     = "us-east-1"
  access_key = "any"
  secret_key = "any"

  # Hydrant answers for Firehose only: nothing is to be asked of STS, IAM or the metadata service.
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true

  endpoints {
    firehose = "http://127.0.0.1:4573"
  }
}

resource "aws_kinesis_firehose_delivery_stream" "events" {
  name        = "events-to-s3"
  destination = "extended_s3"

  extended_s3_configuration {
    role_arn            = "arn:aws:iam::000000000000:role/firehose"
    bucket_arn          = "arn:aws:s3:::lake"
    prefix              = "events/!{timestamp:yyyy/MM/dd/HH}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/"
    buffering_interval  = 60
    compression_format  = "GZIP"
  }

  tags = {
    team = "orders"
  }
}

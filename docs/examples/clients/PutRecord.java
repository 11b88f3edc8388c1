import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.firehose.FirehoseClient;

public class PutRecord {
  public static void main(String[] args) {
    try (FirehoseClient firehose = FirehoseClient.create()) {
      var answer = firehose.putRecord(request -> request
          .deliveryStreamName("company-orders-to-s3")
          .record(record -> record.data(
              SdkBytes.fromUtf8String("{\"order_id\":\"order-1\",\"amount\":9.5}\n"))));
      System.out.println(answer.recordId());
    }
  }
}

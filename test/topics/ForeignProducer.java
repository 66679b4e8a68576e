import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Sends the lines of standard input with Kafka's own client: ForeignProducer BROKERS TOPIC CODEC. */
public class ForeignProducer {
  public static void main(String[] arguments) throws Exception {
    Map<String, Object> configuration =
        Map.of(
            "bootstrap.servers", arguments[0],
            "compression.type", arguments[2],
            "linger.ms", 500,
            "batch.size", 65536,
            "key.serializer", StringSerializer.class,
            "value.serializer", StringSerializer.class);
    try (var producer = new KafkaProducer<String, String>(configuration);
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      for (String line; (line = lines.readLine()) != null; ) {
        producer.send(new ProducerRecord<>(arguments[1], line));
      }
    }
  }
}

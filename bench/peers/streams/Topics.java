import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import peer.Progress;

/** Topics looks from outside at what an application of Kafka Streams has in Kafka. */
final class Topics implements AutoCloseable {
  private final String application;
  private final Admin admin;
  private final KafkaConsumer<String, byte[]> consumer;

  Topics(String brokers, String application) throws Exception {
    this.application = application;
    admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, brokers));
    consumer = new KafkaConsumer<>(
        Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers,
            ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed",
            ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 10_000,
            ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, 4 << 20),
        new StringDeserializer(),
        new ByteArrayDeserializer());
    ours(); // connects, before a clock runs
    consumer.listTopics();
  }

  private Set<String> ours() throws Exception {
    return admin.listTopics().names().get().stream().filter(n -> n.startsWith(application + "-")).collect(Collectors.toSet());
  }

  /** Waits until the group has committed the last records of the input and of what goes from thread to thread. */
  void awaitCommitted(String input) throws Exception {
    List<String> read = ours().stream().filter(n -> n.endsWith("-repartition")).collect(Collectors.toCollection(ArrayList::new));
    read.add(input);
    Map<TopicPartition, Long> goals = lastRecords(read);
    Progress.await(() -> {
      Map<TopicPartition, OffsetAndMetadata> committed =
          admin.listConsumerGroupOffsets(application).partitionsToOffsetAndMetadata().get();
      return goals.entrySet().stream().filter(g -> {
        OffsetAndMetadata at = committed.get(g.getKey());
        return at != null && at.offset() >= g.getValue();
      }).count();
    }, goals.size(), "partitions committed");
  }

  /**
   * The offsets behind the last records. An end of a partition may lie further: marks of transactions
   * take offsets, too, and waiting for a commit that passes them would be unfair.
   */
  private Map<TopicPartition, Long> lastRecords(List<String> topics) throws Exception {
    Map<TopicPartition, Long> ends = assign(topics);
    Map<TopicPartition, Long> last = new HashMap<>();
    ends.forEach((p, end) -> consumer.seek(p, Math.max(0, end - 20)));
    read(ends, r -> last.put(new TopicPartition(r.topic(), r.partition()), r.offset() + 1));
    return last;
  }

  /** What the changelog of a store says of each key last. */
  Map<String, Long> changelog(String store) throws Exception {
    Map<TopicPartition, Long> ends = assign(List.of(application + "-" + store + "-changelog"));
    consumer.seekToBeginning(ends.keySet());
    Map<String, Long> counts = new HashMap<>();
    LongDeserializer number = new LongDeserializer();
    read(ends, r -> counts.put(r.key(), number.deserialize("", r.value())));
    return counts;
  }

  /** Has the consumer read topics, and returns where they end. What a transaction under way has written is before that. */
  private Map<TopicPartition, Long> assign(List<String> topics) throws Exception {
    List<TopicPartition> partitions =
        topics.stream()
            .flatMap(t -> consumer.partitionsFor(t).stream())
            .map(p -> new TopicPartition(p.topic(), p.partition()))
            .toList();
    consumer.assign(partitions);
    Map<TopicPartition, Long> ends = new HashMap<>();
    admin.listOffsets(partitions.stream().collect(Collectors.toMap(p -> p, p -> OffsetSpec.latest()))).all().get()
        .forEach((p, end) -> ends.put(p, end.offset()));
    ends.values().removeIf(end -> end == 0);
    return ends;
  }

  private void read(Map<TopicPartition, Long> ends, Consumer<ConsumerRecord<String, byte[]>> each) {
    while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
      consumer.poll(Duration.ofMillis(100)).forEach(each);
    }
  }

  void drop() throws Exception {
    admin.deleteTopics(ours()).all().get();
  }

  @Override
  public void close() {
    consumer.close();
    admin.close();
  }
}

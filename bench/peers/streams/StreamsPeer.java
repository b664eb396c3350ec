import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;
import peer.Peer;
import peer.Progress;

/**
 * Counts with Kafka Streams: a store in memory with its changelog in Kafka. A round ends when the group has
 * committed all of what was counted, which it does after the changelog has it. The counts are read from the
 * changelog: what is checked is what is durable.
 */
public final class StreamsPeer extends Peer {
  private static final String STORE = "counts";

  private StreamsPeer(String brokers) {
    super(brokers);
  }

  public static void main(String[] args) throws Exception {
    new StreamsPeer(args[0]).serve();
  }

  @Override
  protected Map<String, Long> run(Round round) throws Exception {
    String application = "peer-streams-" + ProcessHandle.current().pid() + "-" + round.number();
    boolean answers = round.workload().equals("ack");
    KafkaStreams streams = new KafkaStreams(topology(round, answers), settings(application, round, answers));
    try (Topics topics = new Topics(brokers, application)) {
      try {
        streams.setUncaughtExceptionHandler(
            e -> {
              e.printStackTrace();
              return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler
                  .StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            });
        Progress.start();
        streams.start();
        Progress.awaitCounted(round.events());
        if (!round.guarantee().equals(StreamsConfig.EXACTLY_ONCE_V2)) {
          streams.close(Duration.ZERO); // begins to stop, which commits: by itself it would do so each 30 s
        }
        topics.awaitCommitted(round.topic());
        Progress.stored();
        return topics.changelog(STORE);
      } finally {
        streams.close(Duration.ofSeconds(30));
        streams.cleanUp();
        topics.drop();
      }
    }
  }

  private static StreamsBuilder builder(Round round, boolean answers) {
    StreamsBuilder builder = new StreamsBuilder();
    var input =
        builder.stream(round.topic(), Consumed.with(Serdes.String(), Serdes.String()));
    KGroupedStream<String, String> grouped;
    if (round.words()) {
      grouped =
          input
              .flatMap(
                  (k, sentence) -> {
                    Progress.begin();
                    return Arrays.stream(sentence.split(" "))
                        .map(w -> KeyValue.pair(w, ""))
                        .collect(Collectors.toList());
                  })
              .groupByKey(Grouped.with(Serdes.String(), Serdes.String()));
    } else {
      grouped = input.groupByKey(Grouped.with(Serdes.String(), Serdes.String()));
    }
    var store =
        Materialized.<String, Long>as(Stores.inMemoryKeyValueStore(STORE))
            .withKeySerde(Serdes.String())
            .withValueSerde(Serdes.Long())
            .withLoggingEnabled(Map.of());
    KTable<String, Long> counts =
        grouped.aggregate(
            () -> 0L,
            (k, v, n) -> {
              Progress.begin();
              Progress.count();
              return n + 1;
            },
            // An answer for each record, else one for each key and commit.
            answers ? store.withCachingDisabled() : store.withCachingEnabled());
    if (answers) {
      counts.toStream().to(round.topic() + "-answers", Produced.with(Serdes.String(), Serdes.Long()));
    }
    return builder;
  }

  private static org.apache.kafka.streams.Topology topology(Round round, boolean answers) {
    return builder(round, answers).build();
  }

  private Properties settings(String application, Round round, boolean answers) {
    Properties p = new Properties();
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, round.guarantee()); // at_least_once or exactly_once_v2
    p.put(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("java.io.tmpdir") + "/" + application);
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Runtime.getRuntime().availableProcessors());
    p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    // Room for all keys: the changelog gets a key once for each commit, not once for each event.
    p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
    p.put(StreamsConfig.POLL_MS_CONFIG, 10); // by default a thread without input looks up from its poll after 100 ms
    p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 << 20);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 128L << 20);
    if (answers) { // latency counts, not throughput
      p.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 0);
    }
    return p;
  }
}

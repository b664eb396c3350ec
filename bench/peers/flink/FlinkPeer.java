import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.legacy.SinkFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import peer.Peer;
import peer.Progress;

/** Counts with Flink: state on the heap, checkpoints each second, exactly once. */
public final class FlinkPeer extends Peer {
  private static final Map<String, Long> counted = new ConcurrentHashMap<>();

  private FlinkPeer(String brokers) {
    super(brokers);
  }

  public static void main(String[] args) throws Exception {
    new FlinkPeer(args[0]).serve();
  }

  @Override
  protected Result run(Round round) throws Exception {
    counted.clear();
    Path checkpoints = Files.createTempDirectory("peer-flink");
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(
            Runtime.getRuntime().availableProcessors(), settings(checkpoints));
    env.enableCheckpointing(1000, CheckpointingMode.EXACTLY_ONCE);
    KafkaSource<String> source =
        KafkaSource.<String>builder()
            .setBootstrapServers(brokers)
            .setTopics(round.topic())
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setBounded(OffsetsInitializer.latest())
            .setProperty("max.poll.records", "10000")
            .setProperty("max.partition.fetch.bytes", String.valueOf(4 << 20))
            .setDeserializer(new Text(round.words()))
            .build();
    DataStream<String> input = env.fromSource(source, WatermarkStrategy.noWatermarks(), "input");
    if (round.words()) {
      input = input.flatMap(new Split()).returns(Types.STRING);
    }
    input.keyBy(k -> k, Types.STRING).process(new Count()).addSink(new Last());
    JobClient job = env.executeAsync(round.topic());
    try {
      long nanos = Progress.await(round.events(), 120);
      job.getJobExecutionResult().get(); // at its end it gives what it has counted
      return new Result(nanos, new HashMap<>(counted));
    } catch (Exception e) {
      job.cancel();
      throw e;
    }
  }

  private static Configuration settings(Path checkpoints) {
    Configuration c = new Configuration();
    c.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    c.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
    c.set(PipelineOptions.OBJECT_REUSE, true);
    c.set(PipelineOptions.GENERIC_TYPES, false);
    c.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(128));
    c.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(128));
    return c;
  }

  /** Text takes the key of a record, or its value. */
  private static final class Text implements KafkaRecordDeserializationSchema<String> {
    private final boolean value;

    Text(boolean value) {
      this.value = value;
    }

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> r, Collector<String> out) {
      Progress.begin();
      out.collect(new String(value ? r.value() : r.key(), StandardCharsets.UTF_8));
    }

    @Override
    public TypeInformation<String> getProducedType() {
      return Types.STRING;
    }
  }

  private static final class Split implements FlatMapFunction<String, String> {
    @Override
    public void flatMap(String sentence, Collector<String> out) {
      for (String w : sentence.split(" ")) {
        out.collect(w);
      }
    }
  }

  /** Count counts per key. A timer at the end of all time brings out what a key has when the input ends. */
  private static final class Count extends KeyedProcessFunction<String, String, String> {
    private transient ValueState<Long> count;

    @Override
    public void open(OpenContext context) {
      count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
    }

    @Override
    public void processElement(String key, Context context, Collector<String> out) throws Exception {
      Long n = count.value();
      if (n == null) {
        n = 0L;
        context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
      }
      count.update(n + 1);
      Progress.count();
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<String> out) throws Exception {
      counted.merge(context.getCurrentKey(), count.value(), Long::sum);
    }
  }

  /** Last is where a job must end. */
  private static final class Last implements SinkFunction<String> {
    @Override
    public void invoke(String value, Context context) {}
  }
}

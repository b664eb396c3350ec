import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.CheckpointListener;
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
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobmaster.JobResult;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.legacy.SinkFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import peer.Peer;
import peer.Progress;

/**
 * Counts with Flink: state on the heap, checkpoints each second, exactly once. A cluster in this process
 * runs before the first round. A round is a job with a bounded input, which ends when the checkpoint is
 * complete that holds all of its counts.
 */
public final class FlinkPeer extends Peer {
  private static final Map<String, Long> counted = new ConcurrentHashMap<>();
  private static volatile long outAt; // when the last count was given out
  private static volatile long checkpointAt; // when a task was last told that one is complete
  private final int cores = Runtime.getRuntime().availableProcessors();
  private final Configuration settings;
  private final MiniCluster cluster;

  private FlinkPeer(String brokers) throws Exception {
    super(brokers);
    settings = settings(Files.createTempDirectory("peer-flink"));
    cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(settings)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(cores)
                .withRandomPorts()
                .build());
    cluster.start();
  }

  public static void main(String[] args) throws Exception {
    new FlinkPeer(args[0]).serve();
  }

  @Override
  protected Map<String, Long> run(Round round) throws Exception {
    counted.clear();
    StreamExecutionEnvironment env = new StreamExecutionEnvironment(settings);
    env.setParallelism(cores);
    env.enableCheckpointing(1000, CheckpointingMode.EXACTLY_ONCE);
    DataStream<String> input = env.fromSource(source(round), WatermarkStrategy.noWatermarks(), "input");
    if (round.words()) {
      input = input.flatMap(new Split()).returns(Types.STRING);
    }
    input.keyBy(k -> k, Types.STRING).process(new Count()).addSink(new Last());
    Progress.start(); // what executeAsync does, with a cluster that is there
    JobGraph job = env.getStreamGraph().getJobGraph();
    CompletableFuture<JobResult> end = cluster.submitJob(job).thenCompose(s -> cluster.requestJobResult(s.getJobID()));
    try {
      Progress.awaitCounted(round.events());
      JobExecutionResult result = end.get(60, TimeUnit.SECONDS).toJobExecutionResult(getClass().getClassLoader());
      Progress.stored();
      if (checkpointAt - outAt < 0) {
        throw new Exception("the job ended without a checkpoint of all of its counts");
      }
      Progress.part("giving-out", Math.max(0, outAt - Progress.countedAt())); // progress is looked at each millisecond
      Progress.part("last-checkpoint", checkpointAt - outAt);
      Progress.part("net-runtime", TimeUnit.MILLISECONDS.toNanos(result.getNetRuntime()));
      return new HashMap<>(counted);
    } catch (Exception e) {
      cluster.cancelJob(job.getJobID());
      throw e;
    }
  }

  private KafkaSource<String> source(Round round) {
    return KafkaSource.<String>builder()
        .setBootstrapServers(brokers)
        .setTopics(round.topic())
        .setStartingOffsets(OffsetsInitializer.earliest())
        .setBounded(OffsetsInitializer.latest())
        .setProperty("max.poll.records", "10000")
        .setProperty("fetch.max.wait.ms", "20") // a fetch at the end of the input, which a consumer waits for when it closes
        .setProperty("max.partition.fetch.bytes", String.valueOf(4 << 20))
        .setDeserializer(new Text(round.words()))
        .build();
  }

  private static Configuration settings(Path checkpoints) {
    Configuration c = new Configuration();
    c.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    c.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
    // The default, but the clock hangs on it: a job ends with a checkpoint, which begins at once when its input has ended.
    c.set(CheckpointingOptions.ENABLE_CHECKPOINTS_AFTER_TASKS_FINISH, true);
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
  private static final class Count extends KeyedProcessFunction<String, String, String> implements CheckpointListener {
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
      outAt = System.nanoTime();
    }

    @Override
    public void notifyCheckpointComplete(long id) {
      checkpointAt = System.nanoTime();
    }
  }

  /** Last is where a job must end. */
  private static final class Last implements SinkFunction<String> {
    @Override
    public void invoke(String value, Context context) {}
  }
}

import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.storm.Config;
import org.apache.storm.LocalCluster;
import org.apache.storm.generated.KillOptions;
import org.apache.storm.kafka.spout.FirstPollOffsetStrategy;
import org.apache.storm.kafka.spout.KafkaSpout;
import org.apache.storm.kafka.spout.KafkaSpoutConfig;
import org.apache.storm.task.OutputCollector;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.TopologyBuilder;
import org.apache.storm.topology.base.BaseRichBolt;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Tuple;
import org.apache.storm.tuple.Values;
import peer.Peer;
import peer.Progress;

/**
 * Counts with Storm: trees of tuples, tracked by ackers; counts in memory, nothing durable. The cluster in
 * this process runs before the first round, and a round ends with the ack of the last tree.
 */
public final class StormPeer extends Peer {
  private static final Map<Integer, Map<String, Long>> counted = new ConcurrentHashMap<>();
  private final LocalCluster cluster = new LocalCluster();

  private StormPeer(String brokers) throws Exception {
    super(brokers);
  }

  public static void main(String[] args) throws Exception {
    new StormPeer(args[0]).serve();
  }

  @Override
  protected Map<String, Long> run(Round round) throws Exception {
    counted.clear();
    Input.acked.set(0);
    int cores = Runtime.getRuntime().availableProcessors();
    TopologyBuilder b = new TopologyBuilder();
    b.setSpout("input", new Input(spout(round)), 1);
    if (round.words()) {
      b.setBolt("split", new Split(), 1).localOrShuffleGrouping("input");
      b.setBolt("count", new Count(), cores).fieldsGrouping("split", new Fields("word"));
    } else {
      b.setBolt("count", new Count(), cores).fieldsGrouping("input", new Fields("word"));
    }
    Config c = new Config();
    c.setNumAckers(1);
    c.setMaxSpoutPending(20_000);
    c.setMessageTimeoutSecs(120);
    c.put(Config.TOPOLOGY_PRODUCER_BATCH_SIZE, 100);
    c.put(Config.TOPOLOGY_TRANSFER_BATCH_SIZE, 100);
    c.put(Config.TOPOLOGY_EXECUTOR_RECEIVE_BUFFER_SIZE, 32_768);
    c.put(Config.TOPOLOGY_STATS_SAMPLE_RATE, 0.001);
    String name = "peer-storm-" + round.number();
    Progress.start();
    cluster.submitTopology(name, c, b.createTopology());
    try {
      Progress.awaitCounted(round.events());
      Progress.await(Input.acked::get, round.records(), "trees acked");
      Progress.stored();
      Map<String, Long> counts = new HashMap<>();
      counted.values().forEach(m -> m.forEach((k, n) -> counts.merge(k, n, Long::sum)));
      return counts;
    } finally {
      KillOptions now = new KillOptions();
      now.set_wait_secs(1); // until then its spout has noted its offsets, which it must not do while it is stopped
      cluster.killTopologyWithOpts(name, now);
      Thread.sleep(6000); // its worker ends within that, which is to be in nobody's time
    }
  }

  private KafkaSpoutConfig<String, String> spout(Round round) {
    return KafkaSpoutConfig.builder(brokers, round.topic())
        .setProp(ConsumerConfig.GROUP_ID_CONFIG, UUID.randomUUID().toString())
        .setProp(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 10_000)
        .setProp(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, 4 << 20)
        .setFirstPollOffsetStrategy(FirstPollOffsetStrategy.EARLIEST)
        .setMaxUncommittedOffsets(10_000_000)
        .setRecordTranslator(round.words() ? r -> new Values(r.value()) : r -> new Values(r.key()), new Fields("word"))
        .build();
  }

  /** Input counts the trees whose end it is told of. */
  public static final class Input extends KafkaSpout<String, String> {
    static final AtomicLong acked = new AtomicLong();

    Input(KafkaSpoutConfig<String, String> config) {
      super(config);
    }

    @Override
    public void ack(Object tree) {
      super.ack(tree);
      acked.incrementAndGet();
    }
  }

  public static final class Split extends BaseRichBolt {
    private transient OutputCollector out;

    @Override
    public void prepare(Map<String, Object> config, TopologyContext context, OutputCollector out) {
      this.out = out;
    }

    @Override
    public void execute(Tuple t) {
      Progress.begin();
      for (String w : t.getString(0).split(" ")) {
        out.emit(t, new Values(w));
      }
      out.ack(t);
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer d) {
      d.declare(new Fields("word"));
    }
  }

  public static final class Count extends BaseRichBolt {
    private transient OutputCollector out;
    private transient Map<String, Long> counts;

    @Override
    public void prepare(Map<String, Object> config, TopologyContext context, OutputCollector out) {
      this.out = out;
      counts = new HashMap<>();
      counted.put(context.getThisTaskId(), counts);
    }

    @Override
    public void execute(Tuple t) {
      Progress.begin();
      counts.merge(t.getString(0), 1L, Long::sum);
      out.ack(t);
      Progress.count();
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer d) {}
  }
}

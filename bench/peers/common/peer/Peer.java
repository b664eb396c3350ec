package peer;

import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Peer is a program that bench starts once and has work round by round, so that the machine code is
 * warm. On standard input comes a line for each round,
 *
 * <pre>WORKLOAD GUARANTEE TOPIC RECORDS EVENTS FILE</pre>
 *
 * and the answer on standard output is "done PART=NANOSECONDS …" when the counts are in the file, a
 * line "COUNT KEY" each, or "failed WHY". The parts are those of {@link Progress}: start, counting and
 * storing make up the whole time, others lie within them. What comes after storing is not in it:
 * reading the counts, stopping, deleting.
 */
public abstract class Peer {
  /** What is asked of a round. */
  public record Round(int number, String workload, String guarantee, String topic, long records, long events) {
    public boolean words() {
      return workload.equals("words");
    }
  }

  protected final String brokers;
  private final PrintStream answers = new PrintStream(new FileOutputStream(java.io.FileDescriptor.out), true);

  protected Peer(String brokers) {
    this.brokers = brokers;
    System.setOut(System.err); // what libraries print is no answer
  }

  /** Runs a topology over the topic from its beginning until all is counted and stored, and returns the counts. */
  protected abstract Map<String, Long> run(Round round) throws Exception;

  /** Answers rounds until standard input ends. */
  public void serve() throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    answers.println("ready " + Runtime.version());
    int number = 0;
    for (String line; (line = in.readLine()) != null; ) {
      String[] f = line.split(" ");
      try {
        Progress.reset();
        write(Path.of(f[5]), run(new Round(number++, f[0], f[1], f[2], Long.parseLong(f[3]), Long.parseLong(f[4]))));
        answers.println("done " + Progress.parts().entrySet().stream()
            .map(e -> e.getKey() + "=" + e.getValue()).collect(Collectors.joining(" ")));
      } catch (Throwable e) {
        e.printStackTrace();
        answers.println("failed " + e);
      }
    }
    System.exit(0);
  }

  private static void write(Path file, Map<String, Long> counts) throws Exception {
    try (Writer w = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      for (Map.Entry<String, Long> e : counts.entrySet()) {
        w.write(e.getValue() + " " + e.getKey() + "\n");
      }
    }
  }
}

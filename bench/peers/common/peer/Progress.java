package peer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Progress is the clock of a round, and counts the events that a topology has counted:
 *
 * <pre>
 * start ── begin ───── count, count, count … ── counted ── stored
 *   │ what an engine   │                           │ the last commit,
 *   └ needs to start   └ counting                  └ what makes it durable
 * </pre>
 *
 * Each thread has a cell of its own, which costs an event a few nanoseconds. It is static, because
 * engines copy the parts of a topology.
 */
public final class Progress {
  private static final List<AtomicLong> cells = new ArrayList<>();
  private static final Map<String, Long> parts = new LinkedHashMap<>();
  private static volatile int run;
  private static volatile long startedAt;
  private static volatile long begunAt;
  private static volatile long countedAt;
  private static volatile long storedAt;
  private static final ThreadLocal<Cell> mine = ThreadLocal.withInitial(Cell::new);

  private static final class Cell {
    int run = -1;
    AtomicLong counted;
  }

  private Progress() {}

  /** Forgets what was counted. Nothing may be running. */
  public static synchronized void reset() {
    cells.clear();
    parts.clear();
    startedAt = begunAt = countedAt = storedAt = 0;
    run++;
  }

  /** Begins the clock: the topology is started now. */
  public static void start() {
    startedAt = System.nanoTime();
  }

  /** Notes that a record has come; only the first one counts. */
  public static void begin() {
    if (begunAt == 0) {
      first();
    }
  }

  private static synchronized void first() {
    if (begunAt == 0) {
      begunAt = System.nanoTime();
    }
  }

  /** Notes that an event is counted. */
  public static void count() {
    Cell c = mine.get();
    if (c.run != run) {
      take(c);
    }
    c.counted.lazySet(c.counted.getPlain() + 1);
  }

  private static synchronized void take(Cell c) {
    c.run = run;
    c.counted = new AtomicLong();
    cells.add(c.counted);
  }

  private static synchronized long sum() {
    long n = 0;
    for (AtomicLong c : cells) {
      n += c.get();
    }
    return n;
  }

  /** A figure that is asked for again and again. */
  public interface Figure {
    long now() throws Exception;
  }

  /** Waits until so many events are counted, and notes the time. */
  public static void awaitCounted(long events) throws Exception {
    await(Progress::sum, events, "events counted");
    countedAt = System.nanoTime();
  }

  /** Waits for a figure to reach a goal; it may stand still for half a minute. */
  public static void await(Figure figure, long goal, String what) throws Exception {
    long before = -1;
    long movedAt = System.nanoTime();
    for (long n; (n = figure.now()) < goal; Thread.sleep(1)) {
      if (n != before) {
        before = n;
        movedAt = System.nanoTime();
      } else if (System.nanoTime() - movedAt > 30_000_000_000L) {
        throw new Exception(n + " of " + goal + " " + what);
      }
    }
  }

  /** Ends the clock: what was counted is as durable as the engine makes it. */
  public static void stored() {
    storedAt = System.nanoTime();
  }

  /** Notes a part of the time that only this engine knows of. */
  public static synchronized void part(String name, long nanos) {
    parts.put(name, nanos);
  }

  /** When the last event was counted, by System.nanoTime. */
  public static long countedAt() {
    return countedAt;
  }

  /** The parts of the time, in nanoseconds. */
  public static synchronized Map<String, Long> parts() {
    Map<String, Long> all = new LinkedHashMap<>();
    all.put("start", begunAt - startedAt);
    all.put("counting", countedAt - begunAt);
    all.put("storing", storedAt - countedAt);
    all.putAll(parts);
    return all;
  }
}

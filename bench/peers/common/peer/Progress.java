package peer;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Progress counts the events that a topology has counted. Each thread has a cell of its own, which
 * costs an event a few nanoseconds. It is static, because engines copy the parts of a topology.
 */
public final class Progress {
  private static final List<AtomicLong> cells = new ArrayList<>();
  private static volatile int run;
  private static volatile long begunAt;
  private static final ThreadLocal<Cell> mine = ThreadLocal.withInitial(Cell::new);

  private static final class Cell {
    int run = -1;
    AtomicLong counted;
  }

  private Progress() {}

  /** Forgets what was counted. Nothing may be running. */
  public static synchronized void reset() {
    cells.clear();
    begunAt = 0;
    run++;
  }

  /** Notes that a record has come; the clock begins with the first one. */
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

  /** Waits until so many events are counted, and returns the nanoseconds since the first record came. */
  public static long await(long events, long secondsMax) throws Exception {
    long deadline = System.nanoTime() + secondsMax * 1_000_000_000L;
    while (sum() < events) {
      long now = System.nanoTime();
      if (now > deadline) {
        throw new Exception(sum() + " of " + events + " events after " + secondsMax + " s");
      }
      Thread.sleep(1);
    }
    return System.nanoTime() - begunAt;
  }
}

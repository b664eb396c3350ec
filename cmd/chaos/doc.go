// Command chaos runs workers as processes on real servers, breaks what can be
// broken, and checks what is left.
//
//	chaos -minutes 3 -seed 7
//
// Three workers share a module. Appenders append records and wait until they are
// processed; each record counts itself, so that one that is lost or counted twice
// is seen. Meanwhile workers are killed and paused for longer than their session,
// connections are cut and stalled, Kafka and Redis are killed and restarted, a
// replica without the last writes becomes master while the old one goes on, and
// Redis runs out of memory: by a plan that the seed draws (package internal/chaos).
//
// When all is mended every append must be answered. Then the state is read. The
// last line is
//
//	faults F, appends A, acked and lost 0, single-event trees doubled 0, takeover p50 … p99 …
//
// and the exit code is 1 unless both are 0, every append was answered, and no task
// has halted. The folder of the run keeps the timeline and the workers' logs.
package main

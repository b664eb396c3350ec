// Command rolling replaces the workers of a module one by one under load, by another
// version of its code and back again, and checks that nothing was lost or doubled.
//
//	rolling -goal 200ms
//
// It starts Kafka and Redis, and three workers as processes that share an exactly-once
// module of which half the records hop to another task. Then, under a steady load of
// acknowledged appends to every task:
//
//   - each worker is stopped (SIGTERM) and started again with version 2: new code, a field
//     more in its records and in what its steps carry, a PState more;
//   - a worker of a version that has no place for events under way, since a step is gone, is
//     started beside the others: it has to end with an error that names the step, and no task
//     moves;
//   - each worker is replaced by version 1 again (roll back).
//
// Every record says which worker processed it, which version, and when. A task pauses from
// the last record that its former owner processed to the first one of its new owner. In
// the end each record that was acked is looked up: it has to be counted once where it was
// appended, and once where it hopped to. The last line is
//
//	replaced 6 workers, N acked, lost 0, doubled 0, pause of a task p50 … p99 … longest … (goal 200 ms)
//
// and the exit code is 1 where one is lost or doubled, or the goal is missed.
package main

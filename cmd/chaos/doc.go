// Command chaos runs workers as processes on real servers, breaks what can be
// broken, and checks what is left.
//
//	chaos -minutes 3 -seed 7
//	chaos -minutes 3 -module bank
//	chaos -minutes 3 -module bank-microbatch
//
// Three workers share a module. Appenders append records and wait until they are
// processed. Meanwhile workers are killed and paused for longer than their session,
// connections are cut and stalled, Kafka and Redis are killed and restarted, Redis loses
// what was not on its disk, a replica without the last writes becomes master while the
// old one goes on, and Redis runs out of memory: by a plan that the seed draws (package
// internal/chaos).
//
// The module ledger is at least once: each record counts itself, so that one that is lost
// or counted twice is seen. The module bank is examples/bank, exactly once: transfers
// between accounts, where each has to be in the books once on both sides. With it a
// worker is killed every 2 s (-kill-every), none is paused, and Kafka stays. Some of its accounts
// always have enough, so what was acked of them must be in the books whatever happens;
// the others refuse what they cannot pay, and that may come out otherwise when a record
// runs again after a lost tail, which is counted and no mistake: at -durability applied an
// answer can rest on commits that the server loses afterwards.
//
// The module bank-microbatch is examples/bankmicrobatch, broken in the same way: an append is
// acked when it is in its depot, and must be in the histories of both accounts in the end,
// once. Meanwhile each appender reads snapshots, whose total must be what was paid in. It also
// writes each transfer to a topic, which has it once for readers with read_committed: so
// commits are on the replica before anything rests on them, and Redis writes to the disk before it answers
// (R31). With -durability applied servers lose tails, and doubled output is counted and no mistake.
//
// When all is mended every append must be answered. Then the state is read. The
// last line is
//
//	faults F, appends A, acked and lost 0, single-event trees doubled 0, takeover p50 … p99 …
//
// (of the bank: doubled 0) and the exit code is 1 unless both are 0, every append was
// answered, and no task has halted. The folder of the run keeps the timeline and the
// workers' logs.
package main

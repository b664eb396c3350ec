// Package simulation runs the real engine in a world of its own: one goroutine,
// one seed, a virtual clock, a log, store servers and a network that fail in
// all the ways that Kafka, Redis and machines do. Whatever happens in a run
// follows from its seed, so a failing one can be run again, step by step.
//
// A run has two parts. While faults last, owners crash, pause and come back as
// zombies, replies get lost, transactions arrive late, servers refuse, restart
// and lose their tail, or split in two; connections between workers break and
// clocks jump. Then it is quiet, and everything must come to rest: every record
// done, nothing that was acknowledged lost, and every PState what the log folds
// to.
//
//	result := simulation.Run(simulation.Config{Seed: 17, Workload: simulation.Tree()})
//	for _, v := range result.Violations { fmt.Println(v) }
//
// Reading order: config.go, world.go (the scheduler and a run), server.go and
// connection.go (the store), owner.go (who drives the engine), network.go,
// appender.go, faults.go, check.go, workloads.go.
package simulation

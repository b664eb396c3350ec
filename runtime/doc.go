// Package runtime is the engine: one Task runs the handlers of one task of a
// module. It is a machine without input and output: Step takes one input (time
// included) and returns effects, which its driver carries out: the worker
// against Kafka and Redis, the simulator against its own world.
//
// Reading order: engine.go (the machine), input.go and effects.go (its
// language), take.go (how it comes to own its slot), queue.go and run.go (how
// events run), batch.go (how they commit), trees.go and proof.go (how records
// complete), await.go (how appenders hear of it); hops.go and what it names (how
// exactly-once streams differ).
//
// The order that the whole rests on: a batch of events runs, reading its own
// writes; its writes and the progress of the records that it finished go out in
// one guarded commit; only when that is confirmed do its hops leave and its acks
// count.
package runtime

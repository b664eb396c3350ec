// Package module is what a module is written with: it declares depots, PStates,
// stream topologies, their steps, sources and acks, all typed, and gives the
// handlers their event.
//
//	type WordCount struct {
//		Sentences module.Depot[string]
//		Counts    pstate.Map[string, int64]
//		count     module.Step[string]
//	}
//
//	func (m *WordCount) Define(b *module.Builder) {
//		module.RandomDepot(b, &m.Sentences, "sentences")
//		words := b.Stream("words")
//		words.PState(&m.Counts, "counts")
//		module.DeclareStep(words, &m.count, "count", module.At(&m.Counts, func(w string) string { return w }), m.onWord)
//		module.DeclareSource(words, m.Sentences, m.onSentence)
//	}
//
// A handler may run more than once for one record: on retries, and when it runs
// ahead to find out what it will read. So it touches the world only through its
// event: PStates, hops, acks, appends to depots. A handler's error retries the record from the
// start of its source, [Reject] and [Park] end it.
//
// A microbatch topology ([Builder.Microbatch]) has the same handlers; what is to be known of
// all records of a microbatch is made in its batch blocks ([Batch]).
package module

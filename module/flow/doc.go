// Package flow is the declarative way to write a topology: what is done with the records
// of a depot is a dataflow of typed variables, from which the steps of the topology are
// cut where it hops.
//
//	flow.Source(words, m.Sentences, func(b *flow.Block, sentence flow.Var[string]) {
//		word := flow.Explode(b, flow.F1(strings.Fields, sentence))
//		flow.HopAt(b, &m.Counts, word, flow.Named("count"))
//		flow.Agg(b, flow.Key(&m.Counts, word), flow.Count[int]())
//		flow.AckReturn(b, m.Total, flow.Const(1))
//	})
//
// A [Block] is a place in the flow; each operation is put there and moves it on. A [Var]
// is what an operation gives, an [Expr] what is computed of variables. Everything is
// typed: a hop by a key of the wrong type does not compile. What the compiler cannot see
// (a variable that is not set on every way, an operation that nothing leads to) is said
// when the module is declared, all of it at once, with the line.
//
// It is a front end: a flow becomes a source and steps like those of package module, in
// streams and in microbatches, and all that is promised of those holds for it. All that
// lies between two hops is one event. What a hop carries are the variables that are used
// behind it, and no others.
//
// Functions in a flow are called whenever their event runs, perhaps more often than once
// for one record: they compute, and do nothing else. They must not change what they are
// given, for other operations have the same value.
package flow

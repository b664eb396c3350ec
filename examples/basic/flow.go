package basic

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/flow"
)

// Flow is the same module as dataflow: its events and its state are those of Module.
type Flow struct{ Module }

// Define declares it.
func (m *Flow) Define(b *module.Builder) {
	module.HashDepot(b, &m.Pairs, "pairs", func(p Pair) string { return p.First })
	module.RandomDepot(b, &m.Words, "words")
	s := b.Stream("s")
	s.PState(&m.Counts, "counts")
	s.PState(&m.Beside, "beside")
	flow.Source(s, m.Pairs, func(b *flow.Block, p flow.Var[Pair]) {
		first, second := flow.Expand2(b, func(p Pair) (string, string) { return p.First, p.Second }, p)
		m.counted(b, first, second)
		flow.IfTrue(b, flow.NotEqual(first, second), func(b *flow.Block) {
			flow.HopAt(b, &m.Counts, second, flow.Named("second"))
			m.counted(b, second, first)
		})
	})
	flow.Source(s, m.Words, func(b *flow.Block, word flow.Var[string]) {
		flow.Do1(b, m.onWord, word)
	})
}

// counted is a piece of flow that is used twice.
func (m *Flow) counted(b *flow.Block, key, other flow.Var[string]) {
	flow.Agg(b, flow.Key(&m.Counts, key), flow.Count[int64]())
	flow.Agg(b, flow.Under(flow.Key(&m.Beside, key), other), flow.Count[int64]())
}

package wordcount

import (
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
)

// Flow is the same module as dataflow: its events and its state are those of Words.
type Flow struct{ Words }

// Define declares it.
func (m *Flow) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sentences, "sentences")
	s := b.Stream("words")
	s.PState(&m.Counts, "counts")
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	flow.Source(s, m.Sentences, func(b *flow.Block, sentence flow.Var[string]) {
		word := flow.Explode(b, flow.F1(strings.Fields, sentence))
		flow.HopAt(b, &m.Counts, word, flow.Named("count"))
		flow.Agg(b, flow.Key(&m.Counts, word), flow.Count[int]())
		flow.AckReturn(b, m.Total, flow.Const(1))
	})
}

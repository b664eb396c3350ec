package ackreturn

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
)

// Flow is the same module as dataflow: its events and its state are those of Module.
type Flow struct{ Module }

// Define declares it.
func (m *Flow) Define(b *module.Builder) {
	module.HashDepot(b, &m.Keys, "keys", func(key string) string { return key })
	s := b.Stream("s")
	s.PState(&m.Counts, "counts")
	module.DeclareAck(s, &m.Count, agg.Last[int64]())
	flow.Source(s, m.Keys, func(b *flow.Block, key flow.Var[string]) {
		count := flow.Agg(b, flow.Key(&m.Counts, key), flow.Count[int64]())
		flow.AckReturn(b, m.Count, count)
	})
}

// Package ackreturn returns to each appender what its record computed: how often
// its key has come.
package ackreturn

import (
	"cmp"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Module is the example.
type Module struct {
	Name string // of the module; default AckReturn

	Keys   module.Depot[string]
	Counts pstate.Map[string, int64]
	Count  module.Ack[int64] // how often the key has come, this record included
}

// ModuleName names the module.
func (m *Module) ModuleName() string { return cmp.Or(m.Name, "AckReturn") }

// Define declares it.
func (m *Module) Define(b *module.Builder) {
	module.HashDepot(b, &m.Keys, "keys", func(key string) string { return key })
	s := b.Stream("s")
	s.PState(&m.Counts, "counts")
	module.DeclareAck(s, &m.Count, agg.Last[int64]())
	module.DeclareSource(s, m.Keys, func(ev *module.Event, key string) error {
		m.Count.Return(ev, agg.Inc(ev, m.Counts.Key(key)))
		return nil
	})
}

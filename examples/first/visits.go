package main

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Visit is a record: somebody has looked at a page.
type Visit struct{ Page, Who string }

// Visits is the module: what comes in, what is kept, and what an append returns.
type Visits struct {
	Visits module.Depot[Visit]
	Counts pstate.Map[string, int]                        // by page: how often
	Seen   pstate.MapOf[string, pstate.SortedSet[string]] // by person: which pages
	Count  module.Ack[int]

	see module.Step[Visit]
}

// Define declares it.
func (m *Visits) Define(b *module.Builder) {
	module.HashDepot(b, &m.Visits, "visits", func(v Visit) string { return v.Page })
	s := b.Stream("visits")
	s.PState(&m.Counts, "counts")
	s.PState(&m.Seen, "seen")
	module.DeclareAck(s, &m.Count, agg.Last[int]())
	module.DeclareStep(s, &m.see, "see", module.At(&m.Seen, func(v Visit) string { return v.Who }), m.onSee)
	module.DeclareSource(s, m.Visits, m.onVisit)
}

// onVisit runs where the page is.
func (m *Visits) onVisit(ev *module.Event, v Visit) error {
	m.Count.Return(ev, agg.Inc(ev, m.Counts.Key(v.Page)))
	m.see.Send(ev, v) // a hop to where the person is
	return nil
}

// onSee runs where the person is.
func (m *Visits) onSee(ev *module.Event, v Visit) error {
	m.Seen.Key(v.Who).Add(ev, v.Page)
	return nil
}

package main

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// entry is one record: its id, and what it does.
type entry struct {
	ID    string
	Group int // of the account that it counts towards
}

// ledger counts each record by its id: nothing in it is idempotent, so a record
// that takes effect twice shows 2.
type ledger struct {
	// Singles do not hop: they count exactly once.
	Singles module.Depot[entry]
	// Pairs hop to their group: they count at least once.
	Pairs module.Depot[entry]

	Count  pstate.Map[string, int] // of singles, by id
	Sent   pstate.Map[string, int] // of pairs, by id
	Groups pstate.Map[int, int]    // sums of what arrived, by group
	Seen   pstate.MapOf[int, pstate.Map[string, int]]
	arrive module.Step[entry]
}

const ledgerName = "Ledger"

func (m *ledger) ModuleName() string { return ledgerName }

func (m *ledger) Define(b *module.Builder) {
	module.HashDepot(b, &m.Singles, "singles", func(e entry) string { return e.ID })
	module.HashDepot(b, &m.Pairs, "pairs", func(e entry) string { return e.ID })
	s := b.Stream("ledger")
	s.PState(&m.Count, "count")
	s.PState(&m.Sent, "sent")
	s.PState(&m.Groups, "groups")
	s.PState(&m.Seen, "seen")
	module.DeclareStep(s, &m.arrive, "arrive", module.At(&m.Groups, func(e entry) int { return e.Group }), func(ev *module.Event, e entry) error {
		agg.Inc(ev, m.Groups.Key(e.Group))
		agg.Inc(ev, m.Seen.Key(e.Group).Key(e.ID))
		return nil
	})
	module.DeclareSource(s, m.Singles, func(ev *module.Event, e entry) error {
		agg.Inc(ev, m.Count.Key(e.ID))
		return nil
	}, module.StartFromBeginning(), module.MaxAttempts(1000))
	module.DeclareSource(s, m.Pairs, func(ev *module.Event, e entry) error {
		agg.Inc(ev, m.Sent.Key(e.ID))
		m.arrive.Send(ev, e)
		return nil
	}, module.StartFromBeginning(), module.MaxAttempts(1000))
}

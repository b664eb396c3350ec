package main

import (
	"time"

	"github.com/coppice-run/coppice/internal/fleet"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Versions of the module.
const (
	first   = 1
	second  = 2
	without = 3 // has no step for the events that are under way
)

// sale is a record in version 1: counted by its id, and sent on to its peer where it has one.
type sale struct {
	ID   string
	Peer string
}

// saleNow is a record in version 2: either version reads what the other has written, in
// depots and in what its step carries.
type saleNow struct {
	ID   string
	Peer string
	Note string `json:",omitempty"`
}

const moduleName = "Till"

// till is the module; R is what its records are.
type till[R sale | saleNow] struct {
	worker  string
	version int

	Sales  module.Depot[R]
	Sold   pstate.Map[string, int] // times that a sale took effect, by its id
	Booked pstate.Map[string, int] // times that it arrived at its peer's task, by peer
	Notes  pstate.Map[string, int] // of version 2 alone
	Pulse  module.Ack[fleet.Pulse]
	book   module.Step[R]
}

func (m *till[R]) ModuleName() string { return moduleName }

func (m *till[R]) Define(b *module.Builder) {
	module.HashDepot(b, &m.Sales, "sales", func(r R) string { return idOf(r) })
	s := b.Stream("till", module.ExactlyOnce())
	s.PState(&m.Sold, "sold")
	s.PState(&m.Booked, "booked")
	if m.version == second {
		s.PState(&m.Notes, "notes")
	}
	module.DeclareAck(s, &m.Pulse, agg.Last[fleet.Pulse]())
	if m.version != without {
		module.DeclareStep(s, &m.book, "book", module.At(&m.Booked, func(r R) string { return peerOf(r) }), func(ev *module.Event, r R) error {
			agg.Inc(ev, m.Booked.Key(peerOf(r)))
			return nil
		})
	}
	module.DeclareSource(s, m.Sales, m.onSale, module.StartFromBeginning(), module.MaxAttempts(1000))
}

func (m *till[R]) onSale(ev *module.Event, r R) error {
	agg.Inc(ev, m.Sold.Key(idOf(r)))
	if now, ok := any(&r).(*saleNow); ok {
		now.Note = "by version 2" // which workers of version 1 get as well
	}
	if peerOf(r) != "" && m.version != without {
		m.book.Send(ev, r)
	}
	if m.version == second {
		agg.Inc(ev, m.Notes.Key(idOf(r)))
	}
	m.Pulse.Return(ev, fleet.Pulse{Worker: m.worker, Version: m.version, At: time.Now().UnixNano()})
	return nil
}

func idOf[R sale | saleNow](r R) string {
	switch r := any(r).(type) {
	case sale:
		return r.ID
	case saleNow:
		return r.ID
	}
	panic("no such record")
}

func peerOf[R sale | saleNow](r R) string {
	switch r := any(r).(type) {
	case sale:
		return r.Peer
	case saleNow:
		return r.Peer
	}
	panic("no such record")
}

// versioned is the module as a version has it.
func versioned(version int, worker string) module.Module {
	if version == second {
		return &till[saleNow]{version: version, worker: worker}
	}
	return &till[sale]{version: version, worker: worker}
}

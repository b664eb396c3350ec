// Package regions counts clicks per region and minute: each click is joined with the region of
// its user, as it is when the click is processed. The guide docs/guides/from-kafka-streams.md
// has it line by line beside what one would write with Kafka Streams.
package regions

import (
	"cmp"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Move says where a user lives from now on.
type Move struct{ User, Region string }

// Click is what is counted.
type Click struct{ User, Page string }

// Module is the example.
type Module struct {
	Name string // of the module; default Regions

	Moves  module.Depot[Move]
	Clicks module.Depot[Click]
	Home   pstate.Map[string, string]                               // the region of each user
	Counts pstate.MapOf[string, pstate.SortedMap[time.Time, int64]] // by region, by minute

	count module.Step[hit]
}

// hit is what travels to the task of the region.
type hit struct {
	Region string
	Minute time.Time
}

// ModuleName names the module.
func (m *Module) ModuleName() string { return cmp.Or(m.Name, "Regions") }

// Define declares it.
func (m *Module) Define(b *module.Builder) {
	module.HashDepot(b, &m.Moves, "moves", func(v Move) string { return v.User })
	module.HashDepot(b, &m.Clicks, "clicks", func(c Click) string { return c.User })
	s := b.Stream("regions", module.ExactlyOnce())
	s.PState(&m.Home, "home")
	s.PState(&m.Counts, "counts")
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, func(h hit) string { return h.Region }), m.onCount)
	module.DeclareSource(s, m.Moves, m.onMove)
	module.DeclareSource(s, m.Clicks, m.onClick)
}

func (m *Module) onMove(ev *module.Event, v Move) error {
	m.Home.Key(v.User).Set(ev, v.Region)
	return nil
}

func (m *Module) onClick(ev *module.Event, c Click) error {
	region, known, err := m.Home.Key(c.User).Lookup(ev)
	if err != nil || !known {
		return err // a user without a region is not counted
	}
	m.count.Send(ev, hit{region, ev.Now().Truncate(time.Minute)})
	return nil
}

func (m *Module) onCount(ev *module.Event, h hit) error {
	agg.Inc(ev, m.Counts.Key(h.Region).Key(h.Minute))
	return nil
}

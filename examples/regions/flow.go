package regions

import (
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/flow"
)

// Flow is the same module as dataflow: its events and its state are those of Module.
type Flow struct{ Module }

// Define declares it.
func (m *Flow) Define(b *module.Builder) {
	module.HashDepot(b, &m.Moves, "moves", func(v Move) string { return v.User })
	module.HashDepot(b, &m.Clicks, "clicks", func(c Click) string { return c.User })
	s := b.Stream("regions", module.ExactlyOnce())
	s.PState(&m.Home, "home")
	s.PState(&m.Counts, "counts")
	flow.Source(s, m.Moves, func(b *flow.Block, v flow.Var[Move]) {
		user, region := flow.Expand2(b, func(v Move) (string, string) { return v.User, v.Region }, v)
		flow.Set(b, flow.Key(&m.Home, user), region)
	})
	flow.Source(s, m.Clicks, func(b *flow.Block, c flow.Var[Click]) {
		region, known := flow.Lookup(b, flow.Key(&m.Home, flow.F1(func(c Click) string { return c.User }, c)))
		flow.KeepTrue(b, known) // a user without a region is not counted
		minute := flow.Try1(b, func(ev *module.Event, _ Click) (time.Time, error) { return ev.Now().Truncate(time.Minute), nil }, c)
		flow.HopAt(b, &m.Counts, region, flow.Named("count"))
		flow.Agg(b, flow.Under(flow.Key(&m.Counts, region), minute), flow.Count[int64]())
	})
}

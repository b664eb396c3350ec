package integration

import (
	"errors"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// clockwork ticks, and takes appends with ids.
type clockwork struct {
	name   string
	Every  module.Ticks
	Named  module.Depot[string]
	Ticked pstate.Value[int]
}

func (m *clockwork) ModuleName() string { return m.name }

func (m *clockwork) Define(b *module.Builder) {
	module.TickDepot(b, &m.Every, "every", time.Hour)
	module.RandomDepot(b, &m.Named, "named", module.AppendIDs(10))
	s := b.Stream("s")
	s.PState(&m.Ticked, "ticked")
	module.DeclareTickSource(s, m.Every, func(ev *module.Event, _ module.Tick) error {
		m.Ticked.Update(ev, func(n int) int { return n + 1 })
		return nil
	})
	module.DeclareSource(s, m.Named, func(ev *module.Event, _ string) error {
		m.Ticked.Update(ev, func(n int) int { return n + 1 })
		return nil
	})
}

// Depots of ticks have no records, and are told as such; an append with an id has its
// effect once, whoever makes it.
func TestTicksAndIDsWithoutCode(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &clockwork{name: unique("Clockwork")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
			t.Fatal(err)
		}
		d, err := c.Client().Describe(t.Context(), m.name)
		if err != nil || d.Depots[0].PeriodMillis != 3_600_000 || d.Depots[0].Appends || d.Depots[1].IDWindow != 10 {
			t.Errorf("depots %+v, %v", d.Depots, err)
		}
		all, err := c.Client().Progress(t.Context(), m.name, "s")
		if err != nil || len(all) != 3 || !all[0].Ticks || all[0].End != 0 || all[1].Ticks {
			t.Errorf("progress %+v, %v", all, err)
		}
		record := client.JSONRecord{Module: m.name, Depot: "every", Data: []byte(`1`)}
		if _, err := c.Client().AppendJSON(t.Context(), record); !errors.Is(err, module.ErrDisallowed) {
			t.Errorf("an append to ticks: %v", err)
		}
		record = client.JSONRecord{Module: m.name, Depot: "named", Data: []byte(`"x"`), ID: "one"}
		var first client.Appended
		for i := range 2 {
			a, err := c.Client().AppendJSON(t.Context(), record)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = a
			}
		}
		n, err := m.Ticked.Get(c.Client().AtTask(t.Context(), 0))
		if first.Place.Partition == 1 {
			n, err = m.Ticked.Get(c.Client().AtTask(t.Context(), 1))
		}
		if err != nil || n != 1 {
			t.Errorf("two appends with one id had %d effects, %v", n, err)
		}
	})
}

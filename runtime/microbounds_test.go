package runtime_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// twins is two microbatch topologies and a stream on one depot, which write so many fields for
// a record each.
type twins struct {
	fields [3]int
	Roots  module.Depot[node]
	Wrote  [3]pstate.Map[string, int]
}

var twinNames = [3]string{"one", "two", "three"}

func (m *twins) ModuleName() string { return "Branches" }

func (m *twins) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Roots, "roots")
	write := func(i int) func(*module.Event, node) error {
		return func(ev *module.Event, n node) error {
			for f := range m.fields[i] {
				agg.Inc(ev, m.Wrote[i].Key(fmt.Sprint(n.Name, f)))
			}
			return nil
		}
	}
	for i, name := range twinNames[:2] {
		mb := b.Microbatch(name)
		mb.PState(&m.Wrote[i], name)
		module.DeclareSource(mb, m.Roots, write(i), module.StartFromBeginning())
	}
	s := b.Stream(twinNames[2])
	s.PState(&m.Wrote[2], twinNames[2])
	module.DeclareSource(s, m.Roots, write(2), module.StartFromBeginning())
}

// R42: what several topologies write is in one transaction only where that holds it.
func TestTopologiesShareATransactionOnlyIfItHoldsThem(t *testing.T) {
	t.Parallel()
	m := &twins{fields: [3]int{6, 6, 4}}
	const most, records = 8, 20
	w := newTown(t, m, 1, runtime.Options{MaxFieldsPerBatch: most})
	c := w.tasks[0]
	for i := range records {
		for _, strand := range slices.Sorted(maps.Keys(c.feeds)) {
			c.generation = c.feeds[strand]
			c.give(int64(i), leaf(0, fmt.Sprint("r", i, ".")))
		}
		for range 60 {
			if c.pending == nil {
				w.wait(25e6)
				continue
			}
			fields := 0
			for _, change := range c.pending.Changes {
				if name := change.Table.Key[strings.LastIndex(change.Table.Key, ":")+1:]; slices.Contains(twinNames[:], name) {
					fields += len(change.Writes)
				}
			}
			if fields > most {
				t.Fatalf("a transaction writes %d fields of PStates, at most %d", fields, most)
			}
			c.commit()
		}
	}
	w.settle()
	for i, name := range twinNames {
		if n := len(c.table("p:" + name)); n != records*m.fields[i] {
			t.Errorf("%s has written %d fields, want %d", name, n, records*m.fields[i])
		}
	}
}

// The bound of bytes is one of the transaction: what is written over and over in one
// microbatch is in it once.
func TestOverwritesCountOnce(t *testing.T) {
	t.Parallel()
	m := newBatches()
	w := newTown(t, m, 1, runtime.Options{MaxBytesPerBatch: 2_000})
	var all []node
	for range 200 {
		all = append(all, leaf(0, "same"))
	}
	w.tasks[0].give(0, all...)
	w.settle()
	if got := w.tasks[0].seen("same"); got != "200" {
		t.Errorf("the records took effect %q times", got)
	}
	var state struct{ ID uint64 }
	if err := json.Unmarshal([]byte(w.tasks[0].table("p:" + wire.MicrobatchName("grow"))[wire.CurrentField]), &state); err != nil || state.ID != 1 {
		t.Errorf("the latest microbatch is %d (%v), want one for all", state.ID, err)
	}
}

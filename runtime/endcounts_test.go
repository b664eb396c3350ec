package runtime_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// blend has one depot read by a stream that retries, one that does not, and a microbatch
// topology. What a record does is up to its name.
type blend struct {
	Roots       module.Depot[node]
	again, hops module.Step[node]
}

func (m *blend) ModuleName() string { return "Branches" }

func (m *blend) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Roots, "roots")
	start := module.StartFromBeginning()
	module.DeclareSource(b.Stream("retries"), m.Roots, m.do, start, module.MaxAttempts(2))
	once := b.Stream("once")
	module.DeclareStep(once, &m.again, "again", module.Custom(func(n node, _ int) int { return n.At }), m.below)
	module.DeclareSource(once, m.Roots, func(ev *module.Event, n node) error {
		m.send(ev, &m.again, n)
		return m.do(ev, n)
	}, start, module.RetryNone())
	batch := b.Microbatch("batch")
	module.DeclareStep(batch, &m.hops, "hops", module.Custom(func(n node, _ int) int { return n.At }), m.below)
	module.DeclareSource(batch, m.Roots, func(ev *module.Event, n node) error {
		m.send(ev, &m.hops, n)
		return m.do(ev, n)
	}, start, module.MaxAttempts(2))
}

func (m *blend) send(ev *module.Event, to *module.Step[node], n node) {
	for _, below := range n.Below {
		to.Send(ev, below)
	}
}

func (m *blend) do(_ *module.Event, n node) error {
	switch n.Name {
	case "parks":
		return module.Park(errBad)
	case "rejects":
		return module.Reject(errBad)
	case "fails":
		return errBad
	}
	return nil
}

func (m *blend) below(ev *module.Event, n node) error {
	if n.Name == "parks below" {
		return module.Park(errBad)
	}
	return nil
}

// giveAll hands records over to all that read the depot.
func (c *citizen) giveAll(offset int64, roots ...node) {
	for _, strand := range slices.Sorted(maps.Keys(c.feeds)) {
		var all []depot.Record
		for i, n := range roots {
			raw, err := json.Marshal(n)
			if err != nil {
				c.town.t.Fatal(err)
			}
			all = append(all, depot.Record{Offset: offset + int64(i), Time: time.UnixMilli(1_700_000_000_000), Value: raw})
		}
		c.step(&runtime.Records{Depot: "roots", Generation: c.feeds[strand], Records: all})
	}
}

// Records are counted where they end, once each, in streams and microbatches, whatever becomes
// of them: the counters never fall, and their sum is what was appended, for each topology.
func TestEndingsAreCountedOnce(t *testing.T) {
	t.Parallel()
	m := &blend{}
	w := newTown(t, m, 1, runtime.Options{})
	c := w.tasks[0]
	var last runtime.Endings
	var log []node
	look := func(what string) {
		t.Helper()
		now := c.engine.Status().Counts.Endings
		if now.Done < last.Done || now.Rejected < last.Rejected || now.Parked < last.Parked || now.Dropped < last.Dropped {
			t.Errorf("%s: %+v became %+v", what, last, now)
		}
		last = now
	}
	want := runtime.Endings{}
	for round := range 3 {
		log = append(log, leaf(0, "well"), leaf(0, "parks"), leaf(0, "rejects"), leaf(0, "fails"), leaf(0, "well"), node{Name: "well", Below: []node{leaf(0, "quiet")}})
		c.giveAll(int64(round*6), log[round*6:]...)
		for range 200 {
			if c.pending == nil {
				w.wait(1e9)
			} else {
				c.commit()
			}
			look(fmt.Sprint("round ", round))
		}
		// Of retries and batch each fails once more and is parked; of once it is dropped.
		want.Done += 3 * 3
		want.Rejected += 3
		want.Parked += 3 + 2
		want.Dropped++
		if last != want {
			t.Fatalf("round %d: of %d records in 3 topologies have ended %+v, want %+v", round, len(log), last, want)
		}
	}

	// A record that is lost with the connection, whose source does not retry: its second event
	// has not run, and its microbatch is not over.
	quiet := module.HandlerName{Topology: "once", Name: "again"}
	c.step(&runtime.Hold{Handler: quiet})
	c.giveAll(18, node{Name: "well", Below: []node{leaf(0, "quiet")}})
	for c.pending != nil && c.engine.Status().Held[0].Events == 0 {
		c.commit()
	}
	c.lose(true)
	c.step(&runtime.Release{Handler: quiet})
	w.settle()
	c.giveAll(18, node{Name: "well", Below: []node{leaf(0, "quiet")}})
	w.later()
	look("lost")
	want.Done += 2
	want.Dropped++
	if last != want {
		t.Errorf("with one that was lost have ended %+v, want %+v", last, want)
	}
}

// What was put aside has ended, and is not counted again when it runs again; an event of a
// microbatch that is put aside is no record.
func TestWhatRunsAgainIsCountedOnce(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]module.Module{"microbatch": newBatches(), "exactly once": newBranches()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var do map[string]func(*module.Event) error
			switch m := m.(type) {
			case *batches:
				do = m.do
			case *branches:
				do = m.do
			}
			do["bad"], do["below"], do["still"] = parks, parks, parks
			w := newTown(t, m, 1, runtime.Options{})
			c := w.tasks[0]
			c.give(0, leaf(0, "bad"), node{Name: "root", Below: []node{leaf(0, "below")}}, leaf(0, "still"))
			w.settle()
			before := c.engine.Status().Counts
			if e := before.Endings; e.Done+e.Parked != 3 || e.Rejected+e.Dropped != 0 {
				t.Errorf("three records have ended %+v", e)
			}
			if name == "microbatch" && (before.Done != 1 || before.EventsParked != 1) {
				t.Errorf("counted are %+v, want one event that is parked, and its record to be done", before)
			}
			delete(do, "bad")
			delete(do, "below")
			c.retry("bad", "below", "still")
			w.settle()
			after := c.engine.Status().Counts
			if after.Endings != before.Endings || after.EventsParked != before.EventsParked || len(c.parked()) != 1 {
				t.Errorf("run again, they are counted again: %+v, then %+v, %d are parked", before, after, len(c.parked()))
			}
		})
	}
}

// A microbatch that the next owner applies is counted by it, with what is put aside in it.
func TestAStageOfAFormerOwnerIsCounted(t *testing.T) {
	t.Parallel()
	m := newBatches()
	m.do["bad"], m.do["below"] = parks, parks
	w := newTown(t, m, 1, runtime.Options{})
	c := w.tasks[0]
	records := []node{leaf(0, "bad"), {Name: "root", Below: []node{leaf(0, "below")}}}
	c.give(0, records...)
	for !strings.Contains(c.table("p:$$__microbatcher-state-grow")["$current"], `"decided":true`) {
		c.commit() // which the task has not acted upon
	}
	c.own(m)
	w.settle()
	c.give(0, records...)
	w.later()
	n := c.engine.Status().Counts
	if n.Done != 1 || n.Parked != 1 || n.EventsParked != 1 || n.Microbatches != 1 {
		t.Errorf("counted are %+v", n)
	}
}

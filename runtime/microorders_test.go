package runtime_test

import (
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// R43, R44: what was put aside runs again when its source may begin records, and a microbatch
// takes so many of it.
func TestRetriesHeedWhatSourcesHeed(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]module.Module{"microbatch": newBatches(), "stream": newBranches()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var names []string
			var do map[string]func(*module.Event) error
			switch m := m.(type) {
			case *batches:
				do = m.do
			case *branches:
				do = m.do
			}
			w := newTown(t, m, 1, runtime.Options{MicrobatchRecordsMax: 3, MaxExecutingPerTask: 2})
			c := w.tasks[0]
			for i := range 8 {
				names = append(names, fmt.Sprint("r", i))
				do[names[i]] = parks
				c.give(int64(i), leaf(0, names[i]))
			}
			w.settle()
			clear(do)
			c.step(&runtime.Pressure{StorePercent: 95})
			c.retry(names...)
			w.settle()
			if n := len(c.parked()); n != len(names) || len(c.answers) != 0 {
				t.Fatalf("with a full store %d are still put aside, want %d; answers %+v", n, len(names), c.answers)
			}
			c.step(&runtime.Pressure{})
			before := len(c.parked())
			for range 200 {
				if c.pending == nil {
					w.wait(25e6)
					continue
				}
				c.commit()
				if now := len(c.parked()); before-now > 3 {
					t.Fatalf("%d have run again in one transaction", before-now)
				} else {
					before = now
				}
			}
			if len(c.parked()) != 0 || len(c.answers) != len(names) {
				t.Errorf("still put aside are %+v, answers %+v", c.parked(), c.answers)
			}
			for _, a := range c.answers {
				if a.Kind != runtime.AnswerDone {
					t.Errorf("answered is %+v", a)
				}
			}
		})
	}
}

// An order about what a microbatch is running again waits for what becomes of it.
func TestOrdersWaitForWhatRunsAgain(t *testing.T) {
	t.Parallel()
	for name, mended := range map[string]bool{"mended": true, "not mended": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newBatches()
			m.do["r"] = parks
			w := newTown(t, m, 1, runtime.Options{})
			c := w.tasks[0]
			c.give(0, leaf(0, "r"))
			w.settle()
			p := c.parked()["r"]
			if mended {
				delete(m.do, "r")
			}
			order := func(what runtime.ParkedOrder, waiter uint64) {
				c.step(&runtime.Parked{Order: what, Topology: p.Topology, Source: p.Source, Offset: p.Offset, Waiter: waiter})
			}
			order(runtime.ParkedRetry, 1)
			for range 100 { // until its stage is on its way to the slot
				if c.pending != nil && stages(c.pending) {
					break
				}
				if c.pending != nil {
					c.commit()
				} else {
					w.wait(25e6)
				}
			}
			order(runtime.ParkedSkip, 2)
			if len(c.answers) != 0 {
				t.Fatalf("answered is %+v", c.answers)
			}
			w.settle()
			want := map[uint64]runtime.AnswerKind{1: runtime.AnswerParked, 2: runtime.AnswerDone}
			if mended {
				want = map[uint64]runtime.AnswerKind{1: runtime.AnswerDone, 2: runtime.AnswerFailed}
			}
			got := map[uint64]runtime.AnswerKind{}
			for _, a := range c.answers {
				got[a.Waiter] = a.Kind
			}
			if len(c.answers) != 2 || got[1] != want[1] || got[2] != want[2] {
				t.Errorf("answered is %+v, want %v", c.answers, want)
			}
			if n := len(c.parked()); n != 0 {
				t.Errorf("%d are put aside", n)
			}
		})
	}
}

// stages reports whether a commit holds a stage.
func stages(b *store.Batch) bool {
	for _, change := range b.Changes {
		for _, w := range change.Writes {
			if w.Field == wire.StageField && !w.Delete {
				return true
			}
		}
	}
	return false
}

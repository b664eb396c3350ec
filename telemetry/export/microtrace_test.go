package export_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/telemetry/export"
)

// heaps counts in microbatches, after a hop. The event of the hop fails as often as said.
type heaps struct {
	Lines  module.Depot[string]
	Counts pstate.Map[string, int64]
	fails  int
	second module.Step[string]
}

func (m *heaps) ModuleName() string { return "Heaps" }

func (m *heaps) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Lines, "lines", module.Text())
	s := b.Microbatch("heap")
	s.PState(&m.Counts, "counts")
	module.DeclareStep(s, &m.second, "second", module.At(&m.Counts, func(l string) string { return l }), func(ev *module.Event, l string) error {
		if ev.Attempt() <= m.fails {
			return fmt.Errorf("no luck at attempt %d", ev.Attempt())
		}
		agg.Inc(ev, m.Counts.Key(l))
		return nil
	})
	module.DeclareSource(s, m.Lines, func(ev *module.Event, l string) error {
		m.second.Send(ev, l)
		return nil
	}, module.StartFromBeginning(), module.MaxAttempts(3))
}

// A record of a microbatch that fails, is tried again and is put aside has all that in one trace,
// whatever the sampling says, and can be looked up.
func TestAMicrobatchRecordIsOneTrace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		fails           int
		attempts, pause int
		parked, traced  bool
	}{
		{name: "it is put aside", fails: 9, attempts: 3, pause: 2, parked: true},
		{name: "it is put aside, and was appended within a trace", fails: 9, attempts: 3, pause: 2, parked: true, traced: true},
		{name: "it ends well", fails: 2, attempts: 2, pause: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out := newCollector(t)
			m := &heaps{fails: c.fails}
			over := make(chan struct{}, 10)
			l := &runtime.Listener{Microbatch: func(i runtime.MicrobatchInfo) {
				if i.Coordinate && i.Phase == "idle" && i.Applied > 0 {
					over <- struct{}{}
				}
			}}
			sample := -1
			if c.traced {
				sample = 1
			}
			r := start(t, export.Config{OTLP: out.url, Sample: sample}, c.traced, l, m)
			if _, err := m.Lines.Append(t.Context(), r.client, "one", module.Wait(module.AckAppend)); err != nil {
				t.Fatal(err)
			}
			<-over
			if c.parked {
				if state := r.stateOf("lines"); state != eventtree.Parked {
					t.Errorf("the record that was put aside is said to be %q", state)
				}
			}
			r.flush()
			pauses := out.named("retry")
			attempts := out.named("failed")
			if len(pauses) != c.pause || len(attempts) != c.attempts {
				t.Fatalf("%d pauses and %d failed attempts, want %d and %d; there are\n%s", len(pauses), len(attempts), c.pause, c.attempts, out)
			}
			all := append(slices.Clone(pauses), attempts...)
			if c.parked {
				all = append(all, out.only("parked"))
			}
			for _, s := range all {
				if string(s.TraceId) != string(all[0].TraceId) || !c.traced && string(s.ParentSpanId) != string(all[0].ParentSpanId) {
					t.Errorf("%s is not in the record's trace as the others are; there are\n%s", s.Name, out)
				}
				if value(s, "messaging.destination.name") != "Heaps.lines" || value(s, "messaging.kafka.offset") != "0" || value(s, "coppice.microbatch") == "" {
					t.Errorf("%s is of %v", s.Name, s.Attributes)
				}
			}
			for _, s := range pauses {
				if s.EndTimeUnixNano <= s.StartTimeUnixNano {
					t.Errorf("the pause before attempt %s took no time", value(s, "coppice.attempt"))
				}
			}
			if c.parked && !strings.Contains(all[len(all)-1].Status.GetMessage(), "no luck at attempt 3") {
				t.Errorf("put aside is %v", all[len(all)-1])
			}
			if c.traced {
				root := out.only("append Heaps.lines")
				if string(all[0].TraceId) != string(root.TraceId) {
					t.Errorf("all are in another trace than the append")
				}
			}
			documented(t, out)
		})
	}
}

// stateOf is what is said of the first record of a depot.
func (r *rig) stateOf(depot string) eventtree.State {
	r.t.Helper()
	for partition := range task.ID(3) {
		trees, err := r.client.Tree(r.t.Context(), "Heaps", depot, partition, 0)
		if errors.Is(err, client.ErrNoRecord) {
			continue
		}
		if err != nil || len(trees) != 1 {
			r.t.Fatalf("%d trees: %v", len(trees), err)
		}
		return trees[0].State
	}
	r.t.Fatal("nobody has the record")
	return ""
}

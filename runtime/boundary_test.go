package runtime_test

import (
	"context"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// pausing writes, reads what is not in memory, writes again, and hops to its own task,
// where it writes once more.
type pausing struct {
	Texts       module.Depot[string]
	A, B, C, D  pstate.Map[string, string]
	next        module.Step[string]
	exactlyOnce bool
}

func (m *pausing) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	var options []module.StreamOption
	if m.exactlyOnce {
		options = append(options, module.ExactlyOnce())
	}
	s := b.Stream("pausing", options...)
	s.PState(&m.A, "a")
	s.PState(&m.B, "b")
	s.PState(&m.C, "c")
	s.PState(&m.D, "d")
	module.DeclareStep(s, &m.next, "next", module.Stay[string](), func(ev *module.Event, v string) error {
		m.D.Key(v).Set(ev, v)
		return nil
	})
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		m.A.Key(v).Set(ev, v)
		if _, err := m.B.Key(v).Get(ev); err != nil {
			return err
		}
		m.C.Key(v).Set(ev, v)
		m.next.Send(ev, v)
		return nil
	}, module.StartFromBeginning())
}

// promise 0.15, promise 0.16, promise 0.17: an event is all that a handler does. While it
// waits for what it reads nothing of it is committed; a hop, of any partitioner, is where it ends, also one to
// the same task: what comes behind it is committed later.
func TestAnEventEndsAtItsHops(t *testing.T) {
	t.Parallel()
	for _, exactlyOnce := range []bool{false, true} {
		h := byHand(t, &pausing{exactlyOnce: exactlyOnce}, runtime.Options{})
		e := h.give("texts", 0, "x")
		if e.Commit != nil || len(e.Reads) == 0 {
			t.Fatalf("exactly once %t: while the handler waits: commit %+v, reads %+v; want a read alone", exactlyOnce, e.Commit, e.Reads)
		}
		e = h.step(&runtime.ReadDone{Reads: e.Reads})
		if e.Commit == nil {
			t.Fatalf("exactly once %t: no commit of the first event", exactlyOnce)
		}
		for name, want := range map[string][]string{"a": {"x"}, "c": {"x"}, "d": nil} {
			if got := written(e.Commit, name); !slices.Equal(got, want) {
				t.Errorf("exactly once %t: the first commit writes %v to %s, want %v", exactlyOnce, got, name, want)
			}
		}
		e = h.step(&runtime.CommitDone{})
		if e.Commit == nil || !slices.Equal(written(e.Commit, "d"), []string{"x"}) {
			t.Errorf("exactly once %t: the second commit is %+v, want the write behind the hop", exactlyOnce, e.Commit)
		}
	}
}

// boundaries is a record whose handler ends at each kind of asynchronous boundary: before it A is
// written, behind it D, and C by another record.
type boundaries struct {
	lookup  bool // of mirror PStates and the like, else a call to the outside
	Texts   module.Depot[string]
	A, C, D pstate.Map[string, string]
	ask     module.Call[string]
	then    module.Step[string]
}

func (m *boundaries) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("pausing")
	s.PState(&m.A, "a")
	s.PState(&m.C, "c")
	s.PState(&m.D, "d")
	module.DeclareStep(s, &m.then, "then", module.Stay[string](), func(ev *module.Event, v string) error {
		m.D.Key(v).Set(ev, v)
		return nil
	})
	if m.lookup {
		module.DeclareLookup(s, &m.ask, "ask", func(_ *module.Asked, v string) (string, error) { return v, nil }, &m.then)
	} else {
		module.DeclareCall(s, &m.ask, "ask", func(_ context.Context, v string) (string, error) { return v, nil }, &m.then)
	}
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		if v == "other" {
			m.C.Key(v).Set(ev, v)
			return nil
		}
		m.A.Key(v).Set(ev, v)
		m.ask.Start(ev, v)
		return nil
	}, module.StartFromBeginning())
}

// promise 0.16: calls to the outside, and lookups, as those of mirror PStates are, end the event as
// hops do: what it wrote is committed before the call is made, others run meanwhile, and
// what comes behind it is an event of its own.
func TestAnEventEndsAtItsCalls(t *testing.T) {
	t.Parallel()
	for _, lookup := range []bool{false, true} {
		h := byHand(t, &boundaries{lookup: lookup}, runtime.Options{})
		e := h.give("texts", 0, "x")
		if e.Commit == nil || len(e.Calls) != 0 || !slices.Equal(written(e.Commit, "a"), []string{"x"}) {
			t.Fatalf("lookup %t: first the commit is %+v, calls %+v; want what stands before the call alone", lookup, e.Commit, e.Calls)
		}
		e = h.step(&runtime.CommitDone{})
		if len(e.Calls) != 1 || e.Commit != nil {
			t.Fatalf("lookup %t: behind the commit there are the calls %+v and the commit %+v", lookup, e.Calls, e.Commit)
		}
		id := e.Calls[0].ID
		if e = h.give("texts", 1, "other"); e.Commit == nil || !slices.Equal(written(e.Commit, "c"), []string{"other"}) {
			t.Errorf("lookup %t: another record waits for the call: %+v", lookup, e.Commit)
		}
		h.step(&runtime.CommitDone{})
		var all []string
		for e = h.step(&runtime.CallDone{ID: id, Result: []byte(`"x"`)}); e.Commit != nil; e = h.step(&runtime.CommitDone{}) {
			all = append(all, written(e.Commit, "d")...)
		}
		if !slices.Equal(all, []string{"x"}) {
			t.Errorf("lookup %t: behind the call %v are written", lookup, all)
		}
	}
}

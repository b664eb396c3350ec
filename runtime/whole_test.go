package runtime_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// couple has two topologies on one depot. The first writes each text down and hops to
// a leaf of its own task, which writes it down again; the second writes it down, too.
// "bad" fails at the root of the first, "sour" at its leaf, on the first attempts;
// "rude" is rejected at the root; a text that begins with "flat" does not hop.
type couple struct {
	failures int // attempts that fail
	options  []module.SourceOption

	Texts               module.Depot[string]
	Roots, Leaves, Also pstate.Map[string, string]
	leaf                module.Step[string]
}

func (m *couple) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("first")
	s.PState(&m.Roots, "roots")
	s.PState(&m.Leaves, "leaves")
	fail := func(ev *module.Event, v, kind string) error {
		if v == kind && ev.Attempt() <= m.failures {
			return errBad
		}
		return nil
	}
	module.DeclareStep(s, &m.leaf, "leaf", module.Stay[string](), func(ev *module.Event, v string) error {
		m.Leaves.Key(v).Set(ev, v)
		return fail(ev, v, "sour")
	})
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		m.Roots.Key(v).Set(ev, v)
		if !strings.HasPrefix(v, "flat") {
			m.leaf.Send(ev, v)
		}
		if v == "rude" {
			return module.Reject(errBad)
		}
		return fail(ev, v, "bad")
	}, m.options...)
	other := b.Stream("second")
	other.PState(&m.Also, "also")
	module.DeclareSource(other, m.Texts, func(ev *module.Event, v string) error {
		m.Also.Key(v).Set(ev, v)
		return nil
	})
}

// tale is what becomes of texts that a task is given while a commit is under way, so
// that they share a batch.
type tale struct {
	t      *testing.T
	h      *hand
	texts  []string
	wrote  []string // commits: the PStates of the first topology and the fields that they write
	second []string // fields that the second writes
	heard  []string // what the listener heard
}

func tell(t *testing.T, m *couple, whole bool, texts ...string) *tale {
	t.Helper()
	s := &tale{t: t, texts: append([]string{"flat x"}, texts...)}
	hear := func(format string, args ...any) { s.heard = append(s.heard, fmt.Sprintf(format, args...)) }
	name := func(i runtime.RecordInfo) string { return s.texts[i.Offset] }
	s.h = byHand(t, m, runtime.Options{}, func(c *runtime.Config) {
		c.Listener = &runtime.Listener{
			RecordFailed:  func(i runtime.RecordInfo) { hear("%s failed attempt %d", name(i), i.Attempt) },
			RecordParked:  func(i runtime.RecordInfo) { hear("%s parked after %d", name(i), i.Attempt) },
			RecordDropped: func(i runtime.RecordInfo) { hear("%s dropped", name(i)) },
			Rewound:       func(i runtime.RewoundInfo) { hear("back to %s", s.texts[i.Offset]) },
			BatchFailed: func(i runtime.BatchFailedInfo) {
				hear("%s of %s took %d others", i.Step, i.Topology, i.Others)
			},
		}
	})
	if whole {
		s.h.step(&runtime.OptionsChanged{Topologies: map[string]runtime.Options{"first": {FailWholeBatch: true}}})
	}
	if e := s.h.give("texts", 0, s.texts[0]); e.Commit == nil {
		t.Fatal("no commit of the first record")
	}
	if e := s.h.give("texts", 1, texts...); e.Commit != nil {
		t.Fatal("a second commit while the first is under way")
	}
	s.rest(s.h.step(&runtime.CommitDone{}))
	return s
}

// rest answers what the task asks, and lets time pass until it only looks at its head
// now and then.
func (s *tale) rest(e *runtime.Effects) {
	var given *runtime.Records
	for steps, looks := 0, 0; looks < 3; steps++ {
		if steps == 10_000 {
			s.t.Fatalf("it goes on for ever; commits:\n\t%s", strings.Join(s.wrote[:20], "\n\t"))
		}
		for _, f := range e.Feeds {
			if f.Order == runtime.FeedFrom {
				given = s.records(f)
			}
		}
		var in runtime.Input = &runtime.Tick{}
		switch {
		case e.Commit != nil:
			s.note(e)
			looks, in = 0, &runtime.CommitDone{}
		case len(e.Heads) > 0:
			looks++
			in = &runtime.HeadsDone{Tasks: []task.ID{0}, Heads: make([]task.Head, 1)}
		case given != nil:
			in, given = given, nil
		case e.WakeAt != 0:
			s.h.now = max(s.h.now, e.WakeAt)
		}
		e = s.h.step(in)
	}
}

// records are those from an offset on.
func (s *tale) records(f runtime.Feed) *runtime.Records {
	in := &runtime.Records{Depot: f.Depot, Generation: f.Generation}
	for i := f.Offset; i < int64(len(s.texts)); i++ {
		in.Records = append(in.Records, depot.Record{Offset: i, Value: []byte(s.texts[i])})
	}
	return in
}

func (s *tale) note(e *runtime.Effects) {
	var wrote []string
	for _, name := range []string{"roots", "leaves"} {
		if fields := written(e.Commit, name); len(fields) > 0 {
			wrote = append(wrote, name+" "+strings.Join(fields, " "))
		}
	}
	if len(wrote) > 0 {
		s.wrote = append(s.wrote, strings.Join(wrote, ", "))
	}
	s.second = append(s.second, written(e.Commit, "also")...)
}

func (s *tale) is(t *testing.T, what string, have []string, want ...string) {
	t.Helper()
	if !slices.Equal(have, want) {
		t.Errorf("%s:\n\t%s\nwant\n\t%s", what, strings.Join(have, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// promise 3.63: by default an event that fails takes back its own writes only; with
// topology.stream.fail.whole.batch it takes the whole batch of its topology with it,
// and the records of all its events are tried again.
func TestAFailedEventAndItsBatch(t *testing.T) {
	t.Parallel()
	texts := []string{"flat a", "b", "bad", "c"}
	alone := tell(t, &couple{failures: 1}, false, texts...)
	alone.is(t, "alone, commits", alone.wrote[:2], "roots b c flat a", "leaves b c")
	alone.is(t, "alone, told", alone.heard, "bad failed attempt 1")

	whole := tell(t, &couple{failures: 1}, true, texts...)
	whole.is(t, "as one, told", whole.heard,
		"bad failed attempt 1", "flat a failed attempt 1", "b failed attempt 1", "c failed attempt 1", "texts of first took 3 others")
	for _, s := range []*tale{alone, whole} {
		s.second = slices.DeleteFunc(s.second, func(text string) bool { return text == "flat x" })
		slices.Sort(s.second)
		s.is(t, "the other topology", s.second, "b", "bad", "c", "flat a")
		all := strings.Join(s.wrote, ", ")
		for _, want := range []string{"flat a", "b", "bad", "c"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s never took effect: %s", want, all)
			}
		}
	}
}

// promise 3.63: also where the event that fails is one of several records' leaves. What
// has happened on the way there stays, and is repeated.
func TestAFailedLeafAndItsBatch(t *testing.T) {
	t.Parallel()
	s := tell(t, &couple{failures: 1}, true, "a", "sour", "c")
	s.is(t, "commits before the retries", s.wrote[:1], "roots a c sour")
	slices.Sort(s.heard)
	s.is(t, "told", s.heard, "a failed attempt 1", "c failed attempt 1", "leaf of first took 2 others", "sour failed attempt 1")
	repeated := strings.Join(s.wrote[1:], ", ")
	for _, want := range []string{"a", "c", "sour"} {
		if strings.Count(repeated, want) < 2 { // its root and its leaf
			t.Errorf("%s did not run again as a whole: %s", want, repeated)
		}
	}
}

// promise 3.63, R20: only the event that failed counts toward MaxAttempts.
func TestABatchThatFailsBlamesOne(t *testing.T) {
	t.Parallel()
	for _, mode := range []module.SourceOption{nil, module.RetryAllAfter()} {
		blamesOne(t, "bad", mode)
		blamesOne(t, "sour", mode)
	}
}

func blamesOne(t *testing.T, kind string, mode module.SourceOption) {
	t.Helper()
	options := []module.SourceOption{module.MaxAttempts(2)}
	if mode != nil {
		options = append(options, mode)
	}
	s := tell(t, &couple{failures: 1000, options: options}, true, "a", kind, "c")
	parked := slices.DeleteFunc(s.heard, func(text string) bool { return !strings.Contains(text, "parked") })
	if len(parked) != 1 || !strings.HasPrefix(parked[0], kind) {
		t.Errorf("parked: %v", parked)
	}
	all := strings.Join(s.wrote, ", ")
	if !strings.Contains(all, "leaves a") || !strings.Contains(all, "c") {
		t.Errorf("the others did not come through: %s", all)
	}
}

// promise 3.63: a record that was rejected is not tried again.
func TestABatchThatFailsKeepsRejections(t *testing.T) {
	t.Parallel()
	s := tell(t, &couple{failures: 1}, true, "rude", "a", "bad")
	s.is(t, "told", s.heard, "bad failed attempt 1", "a failed attempt 1", "texts of first took 2 others")
}

// promise 3.59, promise 3.60, promise 3.63: the retry mode decides what is done about
// the records of a batch that failed.
func TestABatchThatFailsByRetryMode(t *testing.T) {
	t.Parallel()
	none := tell(t, &couple{failures: 1, options: []module.SourceOption{module.RetryNone()}}, true, "flat a", "b", "bad", "c")
	slices.Sort(none.heard)
	none.is(t, "no retries, told", none.heard, "b dropped", "bad dropped", "c dropped", "flat a dropped", "texts of first took 3 others")
	none.is(t, "no retries, commits", none.wrote)

	all := tell(t, &couple{failures: 1, options: []module.SourceOption{module.RetryAllAfter()}}, true, "flat a", "b", "bad", "c")
	all.is(t, "all after, told", all.heard, "back to b", "bad failed attempt 1", "back to flat a", "texts of first took 2 others")
	all.is(t, "all after, commits", all.wrote, "roots b flat a", "roots bad c, leaves b", "leaves bad c")
}

// promise 3.92, promise 3.63: the option takes effect at once, with the next batch.
func TestFailWholeBatchTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	m := &couple{failures: 1}
	s := tell(t, m, false, "a", "bad")
	s.is(t, "before", s.heard, "bad failed attempt 1")
	s.heard = nil
	s.h.step(&runtime.OptionsChanged{Module: runtime.Options{FailWholeBatch: true}})
	from := int64(len(s.texts))
	s.texts = append(s.texts, "x", "b", "bad")
	s.h.give("texts", from, "x")
	e := s.h.give("texts", from+1, "b", "bad")
	if e.Commit != nil {
		t.Fatal("a second commit while the first is under way")
	}
	s.rest(s.h.step(&runtime.CommitDone{}))
	s.is(t, "after", s.heard, "bad failed attempt 1", "b failed attempt 1", "texts of first took 1 others")
}

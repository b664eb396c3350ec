package runtime_test

import (
	"strings"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// lookups counts texts, under their own keys or under others, and how often its handler ran,
// ahead or for good.
type lookups struct {
	Texts  module.Depot[string]
	Counts pstate.Map[string, int64]
	key    func(text string) string
	runs   int
}

func (m *lookups) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("count")
	s.PState(&m.Counts, "counts")
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		m.runs++
		if m.key != nil {
			v = m.key(v)
		}
		agg.Inc(ev, m.Counts.Key(v))
		return nil
	}, module.StartFromBeginning())
}

// spent is what so many records more have cost.
type spent struct{ runs, rounds, gets int }

func (m *lookups) spends(r *reading, prefix string, n int) spent {
	before := spent{m.runs, r.rounds, r.gets}
	r.feed(names(prefix, n)...)
	return spent{m.runs - before.runs, r.rounds - before.rounds, r.gets - before.gets}
}

func newLookups(t *testing.T, options runtime.Options) (*lookups, *reading) {
	m := &lookups{}
	return m, &reading{instant: newInstantWith(t, m, options), holds: 1}
}

// Events that look up elements under their own keys run once each, though none of these is in
// memory: all of them are asked for at once, those of a few events at the beginning apart.
func TestForeseenEventsRunOnce(t *testing.T) {
	t.Parallel()
	m, r := newLookups(t, runtime.Options{})
	if c := m.spends(r, "first", 100); c.runs < 190 || c.gets != 100 {
		t.Errorf("100 events, of which nothing is known, ran %d times and read %d elements; want almost 200 and 100", c.runs, c.gets)
	}
	if c, want := m.spends(r, "second", 100), (spent{100, 1, 100}); c != want {
		t.Errorf("runs, rounds and reads of 100 events that were foreseen: %v, want %v", c, want)
	}
	if c, want := m.spends(r, "second", 100), (spent{100, 0, 0}); c != want {
		t.Errorf("the same of 100 events whose elements are in memory: %v, want %v", c, want)
	}
}

// A guess that is wrong costs one answer that is of no use, and is not made again.
func TestAWrongGuessEndsSoon(t *testing.T) {
	t.Parallel()
	m, r := newLookups(t, runtime.Options{})
	m.spends(r, "first", 100)
	m.key = func(text string) string { return "other " + text }
	if c, most := m.spends(r, "second", 100), (spent{200, 3, 200}); c.runs > most.runs || c.rounds > most.rounds || c.gets > most.gets {
		t.Errorf("runs, rounds and reads of 100 events that do something else: %v, want %v at most", c, most)
	}
	if c, want := m.spends(r, "third", 100), (spent{199, 1, 100}); c != want {
		t.Errorf("the same of those behind them: %v, want %v: as if there were no guess", c, want)
	}
	m.key = nil
	m.spends(r, "fourth", 10)
	if c, want := m.spends(r, "fifth", 100), (spent{100, 1, 100}); c != want {
		t.Errorf("the same once some did what was guessed before: %v, want %v", c, want)
	}
}

// Where one event in two does something else nothing is guessed.
func TestNoGuessWhereEventsDiffer(t *testing.T) {
	t.Parallel()
	m, r := newLookups(t, runtime.Options{})
	m.key = func(text string) string {
		if strings.ContainsAny(text[len(text)-1:], "02468") {
			return "other " + text
		}
		return text
	}
	m.spends(r, "first", 100)
	if c, want := m.spends(r, "second", 100), (spent{199, 1, 100}); c != want {
		t.Errorf("runs, rounds and reads of 100 events: %v, want %v", c, want)
	}
}

// An event that needs more than what is foreseen waits for the rest together with the others.
func TestForeseenEventsReadMoreTogether(t *testing.T) {
	t.Parallel()
	m := &twoReads{}
	r := &reading{instant: newInstant(t, m), holds: 1}
	r.feed(names("first", 20)...)
	rounds, gets := r.rounds, r.gets
	r.feed(names("second", 20)...)
	if r.rounds-rounds != 2 || r.gets-gets != 40 {
		t.Errorf("20 events that read twice: %d rounds and %d reads, want 2 and 40", r.rounds-rounds, r.gets-gets)
	}
}

// twoReads reads under its key, and under another one.
type twoReads struct {
	Texts  module.Depot[string]
	Counts pstate.Map[string, int64]
}

func (m *twoReads) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("count")
	s.PState(&m.Counts, "counts")
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(v))
		agg.Inc(ev, m.Counts.Key("other "+v))
		return nil
	}, module.StartFromBeginning())
}

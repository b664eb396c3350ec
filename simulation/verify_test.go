package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// relay is a user's module: a word is counted on its own task, and where that counts it for
// an even time, appended to a depot of the module, which another source counts.
type relay struct {
	options []module.StreamOption
	fails   bool
	Words   module.Depot[string]
	Evens   module.Depot[string]
	Counts  pstate.Map[string, int]
	Pairs   pstate.Map[string, int]

	count module.Step[string]
}

func (m *relay) ModuleName() string { return "Relay" }

func (m *relay) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Words, "words")
	module.HashDepot(b, &m.Evens, "evens", func(w string) string { return w }, module.DisallowAppends())
	s := b.Stream("s", m.options...)
	s.PState(&m.Counts, "counts")
	s.PState(&m.Pairs, "pairs")
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, func(w string) string { return w }), m.onWord)
	module.DeclareSource(s, m.Words, func(ev *module.Event, w string) error {
		switch {
		case w == "park":
			return module.Park(errors.New("somebody has to look at it"))
		case m.fails && ev.Attempt() < 3:
			return errors.New("a mistake of its own")
		}
		m.count.Send(ev, w)
		return nil
	}, module.StartFromBeginning(), module.MaxAttempts(1000))
	module.DeclareSource(s, m.Evens, func(ev *module.Event, w string) error {
		agg.Inc(ev, m.Pairs.Key(w))
		return nil
	}, module.StartFromBeginning(), module.MaxAttempts(1000))
}

func (m *relay) onWord(ev *module.Event, w string) error {
	n, err := m.Counts.Key(w).Get(ev)
	m.Counts.Key(w).Set(ev, n+1)
	if (n+1)%2 == 0 {
		m.Evens.Emit(ev, w)
	}
	return err
}

// program appends words, and keeps how often.
func (m *relay) program(p *Program) error {
	for range 5 {
		_, err := m.Words.Append(p.Context(), p, []string{"a", "b", "c"}[p.Random.IntN(3)])
		if err != nil {
			return err
		}
		p.Pause(time.Duration(p.Random.IntN(100)) * time.Millisecond)
	}
	return nil
}

// paired: every second count of a word is one of a pair, once.
func (m *relay) paired(r pstate.Reader) error {
	for _, w := range []string{"a", "b", "c"} {
		n, err := m.Counts.Key(w).Get(r)
		if err != nil {
			return err
		}
		if pairs, err := m.Pairs.Key(w).Get(r); pairs != n/2 || err != nil {
			return fmt.Errorf("%q was counted %d times, and %d pairs of it (%v)", w, n, pairs, err)
		}
	}
	return nil
}

// Check takes from the plan what a module promises: that it is exactly-once, that its records
// hop. Where the log has what the store has lost, it halts, as it has to.
func TestCheckOfAnExactModule(t *testing.T) {
	t.Parallel()
	m := &relay{options: []module.StreamOption{module.ExactlyOnce()}}
	Check(t, m, Users{Program: m.program, Seeds: 3 * seedsPerTest}, m.paired)
}

// The same, told to go on: what is lost with the tail may then come twice, and the records are
// all done.
func TestCheckGoesOnBehindALostTail(t *testing.T) {
	t.Parallel()
	m := &relay{options: []module.StreamOption{module.ExactlyOnce()}}
	Check(t, m, Users{Program: m.program, Seeds: seedsPerTest, LostTail: runtime.LostTailGoesOn})
}

// A module whose records hop, with nothing said but the program.
func TestCheckSeesThatRecordsHop(t *testing.T) {
	t.Parallel()
	m := &relay{}
	Check(t, m, Users{Program: m.program, Seeds: seedsPerTest})
}

// relayCase is a relay that fails by itself.
type relayCase struct {
	m     *relay
	words []string
}

func (c *relayCase) Module() module.Module { return c.m }
func (c *relayCase) Append(a module.Appender, r *rand.Rand, _ int) error {
	w := []string{"a", "b", "park"}[r.IntN(3)]
	c.words = append(c.words, w)
	_, err := c.m.Words.Append(context.Background(), a, w)
	return err
}
func (c *relayCase) Acked(number int, _ module.Acks) error {
	if c.words[number] == "park" {
		return errors.New("a parked record is acked")
	}
	return nil
}
func (c *relayCase) Check(r pstate.Reader, parked func(int) bool) error {
	want := map[string]int{}
	for i, w := range c.words {
		if want[w]++; parked(i) != (w == "park") {
			return fmt.Errorf("record %d, %q: parked %v", i, w, parked(i))
		}
	}
	for _, w := range []string{"a", "b"} {
		if n, err := c.m.Counts.Key(w).Get(r); n < want[w] || err != nil {
			return fmt.Errorf("%q was counted %d times, want %d (%v)", w, n, want[w], err)
		}
	}
	return nil
}

// Handlers of a user's workload return errors of their own, and park.
func TestHandlersFailWithTheirOwnErrors(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]module.StreamOption{"at least once": nil, "exactly once": {module.ExactlyOnce()}} {
		CheckWorkload(t, Workload{Name: name, Fails: true, Hops: true, LostTail: runtime.LostTailGoesOn, New: func() Case {
			return &relayCase{m: &relay{options: options, fails: true}}
		}}, seedsPerTest)
	}
}

// An error that no handler has returned is the engine's, and a violation.
func TestErrorsOfTheEngineAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Workload: Workload{Name: "x", Fails: true, New: func() Case { return &relayCase{m: &relay{}} }}})
	own := errors.New("its own")
	for err, bad := range map[error]bool{
		w.handled(own, false): false, fmt.Errorf("step: %w", w.handled(module.Park(own), false)): false, w.handled(module.Reject(own), false): false,
		own: true, module.Park(own): true, &runtime.PanicError{Value: "its own"}: false,
	} {
		w.result.Violations = nil
		if w.checkFailure(&owner{w: w}, &runtime.EventInfo{Err: err}); bad != (len(w.result.Violations) > 0) {
			t.Errorf("%T %v: violations %q", err, err, w.result.Violations)
		}
	}
}

// heard is a test that hears what would fail it.
type heard struct {
	testing.TB
	said strings.Builder
}

type fatal struct{}

func (h *heard) Helper()                      {}
func (h *heard) Logf(string, ...any)          {}
func (h *heard) Errorf(text string, a ...any) { fmt.Fprintf(&h.said, text+"\n", a...) }
func (h *heard) Fatalf(text string, a ...any) { h.Errorf(text, a...); panic(fatal{}) }

// Misuse is told, with the seed where one ran, and is no panic and no silent success.
func TestCheckMisused(t *testing.T) {
	t.Parallel()
	m := &relay{}
	quiet := func(*Program) error { return nil }
	for want, check := range map[string]func(t *heard){
		"no Users.Program is set": func(t *heard) { Check(t, m, Users{}) },
		"the module is nil":       func(t *heard) { Check(t, nil, Users{Program: quiet}) },
		"Tasks are -1":            func(t *heard) { Check(t, m, Users{Program: quiet, Tasks: -1}) },
		"Servers are -1":          func(t *heard) { Check(t, m, Users{Program: quiet, Servers: -1}) },
		"Programs are -1":         func(t *heard) { Check(t, m, Users{Program: quiet, Programs: -1}) },
		"Seeds are -1":            func(t *heard) { Check(t, m, Users{Program: quiet, Seeds: -1}) },
		"at most 4096":            func(t *heard) { Check(t, m, Users{Program: quiet, Tasks: 5000}) },
		"invariant 1 is nil":      func(t *heard) { Check(t, m, Users{Program: quiet}, m.paired, nil) },
		"Users.Always[0] is nil":  func(t *heard) { Check(t, m, Users{Program: quiet, Always: []Always{nil}}) },
		"Workload.New is not set": func(t *heard) { CheckWorkload(t, Workload{}, 1) },
		"nothing was appended":    func(t *heard) { Check(t, m, Users{Program: quiet, Seeds: 2}) },
		"seed 0: program 0: the program panicked at": func(t *heard) {
			Check(t, m, Users{Programs: 1, Seeds: 2, Program: func(*Program) error { panic("mine") }})
		},
		"seed 0: an invariant panicked at": func(t *heard) {
			Check(t, m, Users{Program: m.program, Seeds: 2}, func(pstate.Reader) error { panic("mine") })
		},
		"still waiting": func(t *heard) {
			Check(t, m, Users{Programs: 1, Seeds: 1, Program: func(p *Program) error {
				for {
					p.Pause(-time.Second)
					p.Pause(time.Second)
				}
			}})
		},
	} {
		h := &heard{TB: t}
		func() {
			defer func() {
				if p := recover(); p != nil && p != (fatal{}) {
					t.Errorf("%s: panics with %v", want, p)
				}
			}()
			check(h)
		}()
		if !strings.Contains(h.said.String(), want) {
			t.Errorf("%.300q, want %q", h.said.String(), want)
		}
	}
}

package runtime_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// letters runs a step per letter of a text, on the same task, and notes who ran.
type letters struct {
	Texts, Others module.Depot[string]
	a, b          module.Step[string]
	ran           []string
}

func (m *letters) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	module.HashDepot(b, &m.Others, "others", func(v string) string { return v }, module.Text())
	s := b.Stream("letters")
	note := func(_ *module.Event, v string) error { m.ran = append(m.ran, v); return nil }
	module.DeclareStep(s, &m.a, "a", module.Stay[string](), note)
	module.DeclareStep(s, &m.b, "b", module.Stay[string](), note)
	send := func(ev *module.Event, v string) error {
		m.ran = append(m.ran, "root")
		for i, letter := range v {
			step := m.b
			if letter == 'a' {
				step = m.a
			}
			step.Send(ev, fmt.Sprintf("%c%d", letter, i))
		}
		return nil
	}
	module.DeclareSource(s, m.Texts, send, module.StartFromBeginning())
	module.DeclareSource(s, m.Others, send, module.StartFromBeginning())
}

// took returns who ran since it was asked last.
func (m *letters) took() string {
	text := strings.Join(m.ran, " ")
	m.ran = nil
	return text
}

var (
	stepA  = module.HandlerName{Topology: "letters", Name: "a"}
	stepB  = module.HandlerName{Topology: "letters", Name: "b"}
	others = module.HandlerName{Topology: "letters", Name: "others", Source: true}
)

// rest confirms commits until there are no more.
func (h *hand) rest(e *runtime.Effects) *runtime.Effects {
	for e.Commit != nil {
		e = h.step(&runtime.CommitDone{})
	}
	return e
}

// promise 0.12: an event at a hold waits, and so do those behind it from the same
// sender; sources and other senders go on. Released, all run in their order.
func TestAHeldStepKeepsTheOrder(t *testing.T) {
	t.Parallel()
	m := &letters{}
	h := byHand(t, m, runtime.Options{})
	h.step(&runtime.Hold{Handler: stepA})
	h.rest(h.give("texts", 0, "bab"))
	if got := m.took(); got != "root b0" {
		t.Errorf("ran %q, want what comes before the held event", got)
	}
	h.rest(h.give("others", 0, "b"))
	if got := m.took(); got != "root" {
		t.Errorf("ran %q, want the other source's record, and its event behind the held one", got)
	}
	s := h.engine.Status()
	if len(s.Held) != 1 || s.Held[0] != (runtime.Held{Handler: stepA, Events: 1}) || s.Queued != 3 || s.Pending != 2 || s.Trees != 2 || s.AtRest() {
		t.Errorf("status %v", &s)
	}
	h.rest(h.step(&runtime.Release{Handler: stepA}))
	if got := m.took(); got != "a1 b2 b0" {
		t.Errorf("ran %q when released", got)
	}
	if s = h.engine.Status(); len(s.Held) != 0 || s.Queued != 0 || s.Pending != 0 || s.Trees != 0 || !s.AtRest() {
		t.Errorf("status at rest: %v", &s)
	}
}

// A hold lets pass as many as it is told, those that wait and those that come.
func TestAHoldLetsEventsPass(t *testing.T) {
	t.Parallel()
	m := &letters{}
	h := byHand(t, m, runtime.Options{})
	h.step(&runtime.Hold{Handler: stepA})
	h.step(&runtime.Hold{Handler: stepA}) // again changes nothing
	h.step(&runtime.Let{Handler: stepA, Events: 1})
	h.rest(h.give("texts", 0, "aaba"))
	if got := m.took(); got != "root a0" {
		t.Errorf("ran %q, want one held event", got)
	}
	h.rest(h.step(&runtime.Let{Handler: stepA, Events: 1}))
	if got := m.took(); got != "a1 b2" {
		t.Errorf("ran %q, want the next, and what waited behind it", got)
	}
	h.step(&runtime.Let{Handler: stepB, Events: 1}) // is not held
	h.rest(h.step(&runtime.Release{Handler: stepA}))
	h.step(&runtime.Release{Handler: stepA})
	if got := m.took(); got != "a3" {
		t.Errorf("ran %q when released", got)
	}
}

// A held source begins no record, those of others go on; appenders are not told that
// they are throttled.
func TestAHeldSource(t *testing.T) {
	t.Parallel()
	m := &letters{}
	h := byHand(t, m, runtime.Options{})
	h.step(&runtime.Hold{Handler: others})
	h.step(&runtime.Hold{Handler: module.HandlerName{Topology: "letters", Name: "none"}})
	h.rest(h.give("others", 0, "b", "b", "b"))
	h.rest(h.give("texts", 0, "b"))
	if e := h.step(&runtime.Await{Depot: "others", Offset: 2, Waiter: 1}); len(e.Answers) != 0 {
		t.Errorf("the appender of a held record is told %+v", e.Answers)
	}
	if got := m.took(); got != "root b0" {
		t.Errorf("ran %q, want the record of the source that is not held", got)
	}
	if s := h.engine.Status(); !slices.Equal(s.Held, []runtime.Held{{Handler: others, Events: 3}}) {
		t.Errorf("held are %v", s.Held)
	}
	h.rest(h.step(&runtime.Let{Handler: others, Events: 2}))
	if got := m.took(); got != "root root b0 b0" {
		t.Errorf("ran %q, want two records", got)
	}
	h.rest(h.step(&runtime.Release{Handler: others}))
	if got := m.took(); got != "root b0" {
		t.Errorf("ran %q, want the last record", got)
	}
}

// A hold outlives the task's connection: what comes again waits again.
func TestAHoldOutlivesTheConnection(t *testing.T) {
	t.Parallel()
	m := &letters{}
	h := byHand(t, m, runtime.Options{})
	h.step(&runtime.Hold{Handler: stepA})
	h.rest(h.give("texts", 0, "a"))
	h.now += int64(3 * time.Second) // an idle owner looks at its head
	e := h.step(&runtime.Tick{})
	if len(e.Heads) != 1 {
		t.Fatalf("asked for the heads %v", e.Heads)
	}
	e = h.step(&runtime.HeadsDone{Tasks: slices.Clone(e.Heads), Err: errors.New("the connection broke")})
	h.now = max(h.now, e.WakeAt)
	e = h.step(&runtime.Tick{})
	if e.Take == nil {
		t.Fatal("no new take-over")
	}
	e = h.step(&runtime.Taken{Previous: *e.Take})
	e = h.step(&runtime.ReadDone{Reads: e.Reads})
	if len(e.Starts) > 0 {
		h.step(&runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
	}
	e = h.step(&runtime.CommitDone{})
	m.took()
	for _, f := range e.Feeds {
		if f.Depot == "texts" {
			h.rest(h.step(&runtime.Records{Depot: "texts", Generation: f.Generation, Records: []depot.Record{{Value: []byte("ab")}}}))
		}
	}
	if got := m.took(); got != "root" {
		t.Errorf("ran %q on the new connection, want the hold to stand", got)
	}
}

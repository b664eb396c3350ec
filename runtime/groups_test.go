package runtime_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/runtime"
)

// await asks how a record ended, and returns the answers since then.
func (c *citizen) await(offset int64) []runtime.Answer {
	c.answers = nil
	c.step(&runtime.Await{Depot: "roots", Offset: offset, Waiter: uint64(offset)})
	return c.answers
}

// answered fails the test unless there is one answer of a kind, with a text.
func answered(t *testing.T, when string, answers []runtime.Answer, kind runtime.AnswerKind, text string) {
	t.Helper()
	if len(answers) != 1 || answers[0].Kind != kind || answers[0].Text != text {
		t.Errorf("%s: answers %+v, want one of kind %d: %q", when, answers, kind, text)
	}
}

// total is what a record's events have returned, as the answer has it.
func total(a runtime.Answer) string { return string(a.Returns[0].Values[0].Value) }

// R29, promise 3.99: a record that takes longer than the topology's timeout goes on, and
// takes effect once; who waits is told that nobody knows yet, and may ask again.
func TestATimeoutFailsTheWaiterAlone(t *testing.T) {
	t.Parallel()
	w := newTown(t, newBranches(), 2, runtime.Options{TreeTimeout: time.Second})
	a, b := w.tasks[0], w.tasks[1]
	if got := a.await(0); len(got) > 0 {
		t.Fatalf("answers before the record: %+v", got)
	}
	a.give(0, node{0, "root", []node{leaf(1, "x")}})
	a.commit()
	late := w.mail(0, 1)
	w.wait(0.9e9)
	if len(a.answers) > 0 {
		t.Fatalf("answers before the time is up: %+v", a.answers)
	}
	w.wait(0.2e9)
	answered(t, "when the time is up", a.answers, runtime.AnswerUnknown, "not done within 1s; it goes on, and Await asks again")
	if got := a.await(0); len(got) > 0 {
		t.Fatalf("asked again: %+v, want no answer yet", got)
	}
	w.wait(1.1e9)
	answered(t, "when the time is up again", a.answers, runtime.AnswerUnknown, "not done within 1s; it goes on, and Await asks again")
	a.await(0)
	w.deliver(late...)
	w.settle()
	answered(t, "when it is done", a.answers, runtime.AnswerDone, "")
	if got := total(a.answers[0]); got != "2" {
		t.Errorf("it returned %s, want 2", got)
	}
	w.rested()
	if a.seen("root") != "1" || b.seen("x") != "1" {
		t.Errorf("seen %v and %v, want each event once", a.table("p:seen"), b.table("p:seen"))
	}
}

// R29: a record that is consumed does not run again under a new owner, and is not done
// before all its events are: two figures.
func TestConsumedIsNotDone(t *testing.T) {
	t.Parallel()
	m := newBranches()
	w := newTown(t, m, 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	a.give(0, node{0, "root", []node{{1, "x", []node{leaf(0, "y")}}}})
	a.commit()
	w.frames = nil
	if got := a.table("p:$$__streaming-state-grow")["roots"]; !strings.HasPrefix(got, "1 next=1") {
		t.Errorf("the progress is %q, want it behind the record", got)
	}
	a.own(m)
	a.commit()
	if got := a.await(0); len(got) > 0 {
		t.Fatalf("the new owner answers %+v while events are under way", got)
	}
	w.carry(0, 1)
	b.commit() // x
	w.carry(1, 0)
	if len(a.answers) > 0 {
		t.Fatalf("answers before the last event: %+v", a.answers)
	}
	a.commit() // y
	answered(t, "with the last event", a.answers, runtime.AnswerDone, "")
	if got := total(a.answers[0]); got != "3" {
		t.Errorf("it returned %s, want 3", got)
	}
	w.settle()
	w.rested()
	a.own(m)
	w.settle()
	answered(t, "the next owner", a.await(0), runtime.AnswerDone, "")
	for _, c := range w.tasks {
		for name, n := range c.table("p:seen") {
			if n != "1" {
				t.Errorf("task %d: event %s took effect %s times", c.id, name, n)
			}
		}
	}
}

// R29: the records that one batch consumes are one group in the slot; one that somebody
// waits for is a group of its own.
func TestGroupsOfABatch(t *testing.T) {
	t.Parallel()
	w := newTown(t, newBranches(), 2, runtime.Options{})
	a := w.tasks[0]
	a.await(1)
	below := []node{leaf(1, "x")}
	a.give(0, node{0, "0", below}, node{0, "1", below}, node{0, "2", below}, node{0, "3", nil})
	a.commit() // the first may have gone alone
	for a.pending != nil {
		a.commit()
	}
	groups := a.table("groups")
	offsets := map[string]bool{}
	for _, text := range groups {
		g, err := wire.ParseGroup(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range g.Offsets {
			for o := r.First; o <= r.Last; o++ {
				offsets[string(rune('0'+o))] = true
				if o == 1 && r.First != r.Last {
					t.Errorf("the record that is waited for is in a group with others: %s", text)
				}
			}
		}
	}
	if len(offsets) != 3 || offsets["3"] || len(groups) > 3 {
		t.Errorf("groups %v, want the three records that hopped", groups)
	}
	w.settle()
	answered(t, "in the end", a.answers, runtime.AnswerDone, "")
	w.rested()
}

// Promise 3.104: who waits for a record hears at once that an event of it has failed on
// another task and will be tried again.
func TestANoticeOfAFailedAttempt(t *testing.T) {
	t.Parallel()
	for _, patient := range []bool{false, true} {
		t.Run(map[bool]string{false: "told", true: "waits through retries"}[patient], func(t *testing.T) {
			t.Parallel()
			m := newBranches()
			m.do["x"] = failing(1)
			w := newTown(t, m, 2, runtime.Options{AckFailureOnRetryOnly: patient})
			a := w.tasks[0]
			a.await(0)
			a.give(0, node{0, "root", []node{leaf(1, "x")}})
			a.commit()
			w.carry(0, 1)
			w.carry(1, 0)
			if patient {
				w.settle()
				w.wait(1e9)
				w.settle()
				answered(t, "after the retry", a.answers, runtime.AnswerDone, "")
				return
			}
			answered(t, "before any commit", a.answers, runtime.AnswerFailed, "step next: attempt 1 fails")
			if !a.answers[0].WillRetry || a.answers[0].Attempt != 1 {
				t.Errorf("the answer is %+v, want attempt 1 and a retry", a.answers[0])
			}
		})
	}
}

// An ack for records that the slot does not know belongs to a slot that was built anew:
// it is told, and changes nothing.
func TestAStrayAck(t *testing.T) {
	t.Parallel()
	w := newTown(t, newBranches(), 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	raw, _, _, err := wire.NewPacker(branchNames{}).Pack(nil, wire.ParcelHead{Number: 1, ID: wire.ParcelID{Mark: b.head.Mark}}, &wire.Frame{}, 0, []wire.GroupAck{{Group: 99, Delta: 5}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.deliver(&wire.Frame{From: 1, To: 0, Number: 1000, Sender: b.head.Mark, Lineage: b.lineage, Parcels: []string{string(raw)}})
	w.wait(25e6)
	a.commit()
	if len(a.strayed) != 1 || a.strayed[0] != 99 || a.halt != nil || len(a.table("groups")) > 0 {
		t.Errorf("told of %v, halted %v, groups %v", a.strayed, a.halt, a.table("groups"))
	}
}

// A version of the module that is not exactly once any more, or not where events are
// under way, or without their source, cannot finish them: the task halts and says so.
func TestAVersionThatCannotFinish(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		next    module.Module
		root    string // what the root's task says
		carrier string // what a task that only sent parcels says
	}{
		{"not exactly once", func() *branches { m := newBranches(); m.lasting = nil; return m }(), "no stream of this version of the module is exactly once", "no stream of this version of the module is exactly once"},
		{"exactly once elsewhere", &elsewhere{}, "next", "next"},
		{"without the source", &sourceless{}, "roots", "roots"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, newBranches(), 3, runtime.Options{})
			root, carrier := w.tasks[0], w.tasks[1]
			root.give(0, node{0, "root", []node{{1, "x", []node{leaf(2, "y")}}}})
			root.commit()
			w.carry(0, 1)
			carrier.commit()
			w.carry(1, 0)
			w.frames = nil
			root.own(c.next)
			carrier.own(c.next)
			for task, want := range map[*citizen]string{root: c.root, carrier: c.carrier} {
				if task.halt == nil || !strings.Contains(task.halt.Error(), want) || !strings.Contains(task.halt.Error(), "run the version") {
					t.Errorf("task %d halted: %v; want it to name %q, and the mend", task.id, task.halt, want)
				}
			}
			_, unknown := errors.AsType[*wire.UnknownStepError](carrier.halt)
			if unfinished, ok := errors.AsType[*runtime.UnfinishedError](carrier.halt); unknown == ok || ok && *unfinished != (runtime.UnfinishedError{Parcels: 2}) {
				t.Errorf("halted: %v, want an *UnknownStepError, or an *UnfinishedError for two parcels", carrier.halt)
			}
		})
	}
}

// elsewhere has the stream of branches at least once, and another one exactly once.
type elsewhere struct {
	branches
	other module.Step[int]
	Ints  module.Depot[int]
}

func (m *elsewhere) Define(b *module.Builder) {
	m.branches = *newBranches()
	m.lasting = nil
	m.branches.Define(b)
	module.RandomDepot(b, &m.Ints, "ints")
	s := b.Stream("other", module.ExactlyOnce())
	nothing := func(*module.Event, int) error { return nil }
	module.DeclareStep(s, &m.other, "other", module.Stay[int](), nothing)
	module.DeclareSource(s, m.Ints, nothing, module.StartFromBeginning())
}

// sourceless has the steps of branches, and another source.
type sourceless struct{ branches }

func (m *sourceless) Define(b *module.Builder) {
	m.branches = *newBranches()
	module.RandomDepot(b, &m.Roots, "seeds")
	s := b.Stream("grow", module.ExactlyOnce())
	s.PState(&m.Seen, "seen")
	module.DeclareStep(s, &m.next, "next", module.Custom(func(n node, _ int) int { return n.At }), m.onNode)
	module.DeclareSource(s, m.Roots, m.onNode, module.StartFromBeginning())
}

// sayings returns the names of its events, in the order in which they come.
type sayings struct {
	branches
	Names module.Ack[string]
}

func (m *sayings) Define(b *module.Builder) {
	m.branches = *newBranches()
	module.RandomDepot(b, &m.Roots, "roots")
	s := b.Stream("grow", module.ExactlyOnce())
	s.PState(&m.Seen, "seen")
	module.DeclareAck(s, &m.Names, agg.Combiner[string]{Zero: func() string { return ">" }, Combine: func(a, b string) string { return a + b }})
	handle := func(ev *module.Event, n node) error {
		m.Names.Return(ev, n.Name)
		for _, below := range n.Below {
			m.next.Send(ev, below)
		}
		return nil
	}
	module.DeclareStep(s, &m.next, "next", module.Custom(func(n node, _ int) int { return n.At }), handle)
	module.DeclareSource(s, m.Roots, handle, module.StartFromBeginning())
}

// promise 3.81: what the events of a record return is combined once, from the combiner's
// zero on, in the order of its arrival, whoever owns the task when it arrives.
func TestReturnsAreCombinedAcrossOwners(t *testing.T) {
	t.Parallel()
	w := newTown(t, &sayings{}, 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	a.give(0, node{0, "a", []node{{1, "b", []node{{0, "c", []node{leaf(1, "d")}}}}}})
	for range 3 {
		for _, c := range []*citizen{a, b} {
			if c.pending != nil {
				c.commit()
			}
			w.carry(0, 1)
		}
		a.own(&sayings{})
		a.commit()
		w.carry(1, 0)
	}
	a.await(0)
	w.settle()
	w.rested()
	answered(t, "in the end", a.answers, runtime.AnswerDone, "")
	if got := total(a.answers[0]); got != `">abcd"` {
		t.Errorf("it returned %s, want >abcd", got)
	}
}

// numbered has the step of branches for another type.
type numbered struct {
	branches
	count module.Step[int]
}

func (m *numbered) Define(b *module.Builder) {
	m.branches = *newBranches()
	module.RandomDepot(b, &m.Roots, "roots")
	s := b.Stream("grow", module.ExactlyOnce())
	s.PState(&m.Seen, "seen")
	module.DeclareStep(s, &m.count, "next", module.Stay[int](), func(*module.Event, int) error { return nil })
	module.DeclareSource(s, m.Roots, func(*module.Event, node) error { return nil }, module.StartFromBeginning())
}

// A payload of a version before that does not decode any more is put aside with its
// event, for a person to edit.
func TestAPayloadThatNoLongerDecodes(t *testing.T) {
	t.Parallel()
	w := newTown(t, newBranches(), 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	a.give(0, node{0, "root", []node{leaf(1, "x")}})
	a.commit()
	w.frames = nil
	for _, c := range w.tasks {
		c.own(&numbered{})
	}
	w.settle()
	w.rested()
	parked := b.table("p:$$__parked")
	if len(parked) != 1 {
		t.Errorf("parked %v, want the event", parked)
	}
	for field, raw := range parked {
		if !strings.Contains(raw, "payload does not decode") || !strings.Contains(raw, `"value":"{\"At\":1,\"Name\":\"x\",\"Below\":null}"`) {
			t.Errorf("parked %s: %s", field, raw)
		}
	}
	got := a.await(0)
	if len(got) != 1 || got[0].Kind != runtime.AnswerParked || !strings.Contains(got[0].Text, "payload does not decode") {
		t.Errorf("the record's answer is %+v", got)
	}
}

// A question about no record at all is not answered with done.
func TestAwaitOfANegativeOffset(t *testing.T) {
	t.Parallel()
	w := newTown(t, newBranches(), 1, runtime.Options{})
	answered(t, "of offset -1", w.tasks[0].await(-1), runtime.AnswerUnknown, "no record has a negative offset")
}

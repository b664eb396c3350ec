package runtime_test

import (
	"testing"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// to are the answers that one of those who wait was given.
func (c *citizen) to(waiter uint64) (own []runtime.Answer) {
	for _, a := range c.answers {
		if a.Waiter == waiter {
			own = append(own, a)
		}
	}
	return own
}

// A parked event lies on the task where it failed, which has a record of its own with the same
// offset. How the event ends when it runs again says nothing about that record.
func TestARetriedEventIsNoRecord(t *testing.T) {
	t.Parallel()
	m := newBranches()
	m.do["x"] = parks
	m.do["own"] = func(*module.Event) error { return module.Reject(errBad) }
	w := newTown(t, m, 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	a.give(0, node{0, "root", []node{leaf(1, "x")}})
	b.give(0, leaf(1, "own"))
	w.settle()
	answered(t, "before", b.await(0), runtime.AnswerRejected, errBad.Error())
	delete(m.do, "x")
	b.answers = nil
	b.retry("x")
	w.settle()
	answered(t, "the order", b.to(1), runtime.AnswerDone, "")
	answered(t, "behind it", b.await(0), runtime.AnswerRejected, errBad.Error())
	answered(t, "the event's record", a.await(0), runtime.AnswerParked, "step next: "+errBad.Error())
	b.own(m)
	w.settle()
	answered(t, "of the next owner", b.await(0), runtime.AnswerRejected, errBad.Error())
	w.rested()
}

// Nor does it concern who waits for that record when what the retried event has sent fails,
// or takes long.
func TestWhoWaitsHearsNothingOfARetriedEvent(t *testing.T) {
	t.Parallel()
	m := newBranches()
	m.do["x"], m.do["y"] = parks, fails
	w := newTown(t, m, 3, runtime.Options{TreeTimeout: time.Second})
	a, b := w.tasks[0], w.tasks[1]
	a.give(0, node{0, "root", []node{{1, "x", []node{leaf(0, "y")}}}})
	w.settle()
	delete(m.do, "x")
	b.retry("x")
	for b.pending != nil {
		b.commit()
	}
	w.wait(0.5e9)
	b.await(0)
	b.give(0, node{1, "own", []node{leaf(2, "z")}})
	for b.pending != nil {
		b.commit()
	}
	held := w.mail(1, 2)
	w.carry(1, 0)
	w.carry(0, 1)
	if len(a.failed) == 0 {
		t.Fatal("y has not failed")
	}
	if got := b.to(0); len(got) > 0 {
		t.Errorf("when y has failed, who waits for the record is told %+v", got)
	}
	w.wait(0.6e9)
	if got := b.to(0); len(got) > 0 {
		t.Errorf("when the order takes long, who waits for the record is told %+v", got)
	}
	delete(m.do, "y")
	w.deliver(held...)
	w.settle()
	answered(t, "when it is done", b.to(0), runtime.AnswerDone, "")
	w.later()
	w.rested()
}

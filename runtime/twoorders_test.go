package runtime_test

import (
	"strings"
	"testing"

	"github.com/coppice-run/coppice/runtime"
)

// Two people may have the same thing run again at the same time: it takes effect once, and the
// second one hears that it is not there any more.
func TestTwoOrdersForOneParkedEvent(t *testing.T) {
	t.Parallel()
	m := newBranches()
	m.do["x"], m.do["own"] = parks, parks
	w := newTown(t, m, 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	a.give(0, node{0, "root", []node{{1, "x", []node{leaf(0, "y")}}}})
	b.give(0, leaf(1, "own"))
	w.settle()
	m.do = nil
	for i, name := range []string{"x", "own"} {
		b.answers = nil
		b.give(int64(i)+1, leaf(1, "busy")) // a commit is under way, so that both orders come into the next one
		b.retry(name, name)
		w.settle()
		answered(t, "the first order", b.to(1), runtime.AnswerDone, "")
		if got := b.to(2); len(got) != 1 || got[0].Kind != runtime.AnswerFailed || !strings.Contains(got[0].Text, "has no parked record") {
			t.Errorf("the second order about %s is answered %+v, want that there is nothing", name, got)
		}
		if got := b.seen(name); got != "1" {
			t.Errorf("%s took effect %s times", name, got)
		}
	}
	if got := a.seen("y"); got != "1" {
		t.Errorf("what x sent took effect %s times", got)
	}
	w.rested()
}

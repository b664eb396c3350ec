package runtime_test

import (
	"slices"
	"testing"

	"github.com/coppice-run/coppice/runtime"
)

// topology.stream.max.calls.per.task: so many calls are made at a time, the next when one has
// returned, and more at once when the limit is raised.
func TestCallsWaitForRoom(t *testing.T) {
	t.Parallel()
	h := byHand(t, &boundaries{}, runtime.Options{MaxCallsPerTask: 2})
	h.give("texts", 0, "a", "b", "c", "d", "e")
	calls := slices.Clone(h.step(&runtime.CommitDone{}).Calls)
	if len(calls) != 2 {
		t.Fatalf("%d calls of 5 are made at first, want 2", len(calls))
	}
	if e := h.step(&runtime.Tick{}); len(e.Calls) != 0 {
		t.Errorf("%d more are made, and none has returned", len(e.Calls))
	}
	if e := h.step(&runtime.CallDone{ID: calls[0].ID, Result: []byte(`"a"`)}); len(e.Calls) != 1 {
		t.Errorf("%d are made when one has returned, want 1", len(e.Calls))
	}
	if e := h.step(&runtime.OptionsChanged{Module: runtime.Options{MaxCallsPerTask: 3}}); len(e.Calls) != 1 {
		t.Errorf("%d are made when 3 may be, want 1", len(e.Calls))
	}
}

// depot.ack.results.max: who asks late hears what the latest records returned, and of
// earlier ones that they are done.
func TestResultsOfTheLatestAreKept(t *testing.T) {
	t.Parallel()
	w := newTown(t, newBranches(), 1, runtime.Options{AckResultsMax: 2})
	c := w.tasks[0]
	c.give(0, leaf(0, "a"), leaf(0, "b"), leaf(0, "c"))
	w.settle()
	for offset, returned := range []bool{false, true, true} {
		c.answers = nil
		c.step(&runtime.Await{Depot: "roots", Offset: int64(offset), Waiter: 7})
		if len(c.answers) != 1 || c.answers[0].Kind != runtime.AnswerDone || len(c.answers[0].Returns) > 0 != returned {
			t.Errorf("record %d: %+v, want that it is done, with what it returned: %t", offset, c.answers, returned)
		}
	}
}

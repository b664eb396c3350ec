package eventtree_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/coppice-run/coppice/eventtree"
)

// The event whose handler does not return is among those of its tree, once, also where its task
// tells nothing of it: at its place among the attempts, or instead of what its sender knows.
func TestTheEventThatHoldsUpItsTaskIsShown(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tree := openTree()
	h := eventtree.Handler{Task: 2, Worker: "w", Topology: tree.Topology, Source: tree.Source, Step: "slow", Record: record, Attempt: 1, Since: since}
	other := h
	other.Record.Offset++
	event := func(step string, attempt int, state eventtree.State) eventtree.Event {
		return eventtree.Event{Topology: tree.Topology, Source: tree.Source, Step: step, Attempt: attempt, Task: 2, State: state}
	}
	for _, c := range []struct {
		handler eventtree.Handler
		events  []eventtree.Event
		want    string
	}{
		{h, nil, "[slow 1 running]"},
		{h, []eventtree.Event{event("slow", 1, eventtree.Queued)}, "[slow 1 running]"},
		{h, []eventtree.Event{event("slow", 2, eventtree.Queued)}, "[slow 1 running slow 2 queued]"},
		{h, []eventtree.Event{event("slow", 1, eventtree.Ended)}, "[slow 1 ended slow 1 running]"},
		{other, nil, "[]"},
	} {
		one := openTree()
		one.Events = c.events
		var told []string
		for _, e := range eventtree.Merge([]eventtree.Part{{Task: 1, Trees: []eventtree.Tree{one}}, {Task: 2, Silent: true, Handler: &c.handler}})[0].Events {
			told = append(told, fmt.Sprint(e.Step, " ", e.Attempt, " ", e.State))
			if e.State == eventtree.Running && (e.Waits == "" || !e.Began.Equal(since) || e.Worker != "w" || e.Task != 2) {
				t.Errorf("the event is %+v, want what is known of its handler", e)
			}
		}
		if got := fmt.Sprint(told); got != c.want {
			t.Errorf("events %s, want %s", got, c.want)
		}
	}
}

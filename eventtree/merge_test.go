package eventtree_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/task"
)

var record = eventtree.Record{Module: "M", Depot: "d", Partition: 1, Offset: 7}

func openTree() eventtree.Tree {
	return eventtree.Tree{Record: record, Topology: "t", Source: "s", State: eventtree.Open, Attempt: 1, ID: 99, Task: 1, Tasks: []task.ID{1, 2}}
}

func event(id eventtree.ID, state eventtree.State, at task.ID) eventtree.Event {
	return eventtree.Event{Topology: "t", Source: "s", Step: "step", ID: id, Attempt: 1, State: state, Task: at}
}

// What several workers know becomes one tree: an event that one has sent and another has
// seen is where it was seen, and stands behind the one that sent it off.
func TestMergeOfSeveralWorkers(t *testing.T) {
	t.Parallel()
	root, child := eventtree.ID(5), eventtree.ID(acker.Child(5, 0))
	sent := event(root, eventtree.Ended, 1)
	sent.Root, sent.Hops = true, 1
	trees := eventtree.Merge([]eventtree.Part{
		{Task: 2, Events: []eventtree.Event{event(child, eventtree.Queued, 2)}},
		{Task: 1, Trees: []eventtree.Tree{openTree()}, Events: []eventtree.Event{event(child, eventtree.Hopping, 2), sent}},
		{Task: 3, Events: []eventtree.Event{{Topology: "other", Source: "s", ID: 6}}},
	})
	if len(trees) != 1 || len(trees[0].Events) != 2 {
		t.Fatalf("merged %+v, want one tree of two events", trees)
	}
	first, second := trees[0].Events[0], trees[0].Events[1]
	if first.ID != root || second.ID != child || second.Parent != root || second.State != eventtree.Queued {
		t.Errorf("events %+v and %+v, want the root, and its child, queued", first, second)
	}
	if want := "event step on task 2, which is queued"; trees[0].Waits != want {
		t.Errorf("it waits for %q, want %q", trees[0].Waits, want)
	}
}

// A tree that nothing is seen of waits for what is between tasks; one whose task is held up
// for the handler that does it; one whose task nobody answers for says so.
func TestWhatATreeWaitsFor(t *testing.T) {
	t.Parallel()
	waits := func(parts ...eventtree.Part) string {
		parts = append(parts, eventtree.Part{Task: 1, Trees: []eventtree.Tree{openTree()}})
		return eventtree.Merge(parts)[0].Waits
	}
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	other := eventtree.Handler{Task: 2, Topology: "t", Step: "slow", Record: eventtree.Record{Depot: "d", Offset: 3}, Since: since}
	own := other
	own.Record = record
	for want, got := range map[string]string{
		"an event or an ack that is on its way between tasks":                                                                   waits(),
		"task 2, which is held up by the handler of step slow of t on task 2, for record d/0@3, since 2026-01-02T03:04:05.000Z": waits(eventtree.Part{Task: 2, Silent: true, Handler: &other}),
		"the handler of step slow of t on task 2, for record d/1@7, which runs since 2026-01-02T03:04:05.000Z":                  waits(eventtree.Part{Task: 2, Silent: true, Handler: &own}),
		"task 2, for which nobody answers: gone":                                                                                waits(eventtree.Part{Task: 2, Silent: true, Error: "gone"}),
	} {
		if got != want {
			t.Errorf("it waits for\n%q, want\n%q", got, want)
		}
	}
	done := openTree()
	done.State = eventtree.Done
	if got := eventtree.Merge([]eventtree.Part{{Task: 1, Trees: []eventtree.Tree{done}}, {Task: 2, Handler: &other}})[0]; got.Waits != "" || got.Stuck != nil {
		t.Errorf("a tree that is done waits for %q, stuck in %v", got.Waits, got.Stuck)
	}
}

// What is known of events only by their tree's id belongs to it.
func TestEventsKnownByTheirTree(t *testing.T) {
	t.Parallel()
	tree := eventtree.Merge([]eventtree.Part{
		{Task: 1, Trees: []eventtree.Tree{openTree()}},
		{Task: 2, Events: []eventtree.Event{{Step: "(ran)", Tree: 99, State: eventtree.Committing, Task: 2}, {Step: "(ran)", Tree: 98, Task: 2}}},
	})[0]
	if len(tree.Events) != 1 || tree.Events[0].Topology != "t" || !strings.Contains(tree.Waits, "committing") {
		t.Errorf("tree %+v, want the one event that is committing", tree)
	}
}

// Lists put what is under way first, the oldest first, and what is over last.
func TestListOrder(t *testing.T) {
	t.Parallel()
	at := func(offset int64, state eventtree.State, since, over time.Time) eventtree.Tree {
		return eventtree.Tree{Record: eventtree.Record{Offset: offset}, State: state, Since: since, Over: over}
	}
	now := time.Unix(1000, 0)
	trees := eventtree.List([]eventtree.Part{
		{Trees: []eventtree.Tree{at(1, eventtree.Done, now, now), at(2, eventtree.Open, now, time.Time{})}},
		{Trees: []eventtree.Tree{at(3, eventtree.Parked, now, now.Add(1)), at(4, eventtree.Open, now.Add(-1), time.Time{}), at(5, eventtree.Retrying, time.Time{}, time.Time{})}},
	})
	var order []int64
	for _, tree := range trees {
		order = append(order, tree.Offset)
	}
	if diff := cmp.Diff([]int64{4, 2, 5, 3, 1}, order); diff != "" {
		t.Error(diff)
	}
}

func TestIDsAsText(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(event(1<<63, eventtree.Queued, 1))
	if err != nil || !strings.Contains(string(raw), `"id":"8000000000000000"`) {
		t.Errorf("written %s (%v)", raw, err)
	}
	var back eventtree.Event
	if err := json.Unmarshal(raw, &back); err != nil || back.ID != 1<<63 {
		t.Errorf("read back %v (%v)", back.ID, err)
	}
	if err := json.Unmarshal([]byte(`{"id":"x"}`), &back); err == nil {
		t.Error("an id that is none is taken")
	}
}

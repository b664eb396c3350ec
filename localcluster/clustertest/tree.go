package clustertest

import (
	"fmt"
	"strings"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// Tree is what one attempt at a record set off: its event and all that followed from
// it. An attempt that ended early has the events that ran.
type Tree struct {
	Topology, Source string
	Partition        task.ID // of the depot: the task at which the tree has its root
	Offset           int64
	Attempt          int
	// Events, the root first and the others behind those that sent them. Where the
	// sender is not in the recording they come last.
	Events []runtime.EventInfo
	depth  []int
}

// Hops is how many events were sent off in the tree.
func (t *Tree) Hops() (n int) {
	for _, e := range t.Events {
		if e.Err == nil {
			n += e.Children
		}
	}
	return n
}

// String prints the tree, an event per line, each below the one that sent it:
//
//	words/sentences partition 1 offset 0 attempt 1: 3 events
//	  sentences on task 1: 2 hops
//	    count on task 0: 1 point read, 1 write
//	    count on task 3: 1 point read, 1 write
func (t *Tree) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s/%s partition %d offset %d attempt %d: %s", t.Topology, t.Source, t.Partition, t.Offset, t.Attempt, number(len(t.Events), "event", "events"))
	for i, e := range t.Events {
		fmt.Fprintf(&out, "\n%s%s on task %d: %s", strings.Repeat("  ", t.depth[i]+1), e.Step, e.Task, didOf(&e))
	}
	return out.String()
}

// didOf words what an event did.
func didOf(e *runtime.EventInfo) string {
	if e.Err != nil {
		return "failed: " + e.Err.Error()
	}
	return Counts{
		PointReads: e.Accesses.PointReads, RangeScans: e.Accesses.RangeScans, Elements: e.Accesses.Elements,
		Writes: e.Accesses.Writes, Hops: e.Children,
	}.String()
}

// treeKey names an attempt: by its tree, since attempts of two owners may have one
// number, and since in an exactly-once topology an event may have more attempts than its
// root; or by its number where nothing hopped.
type treeKey struct {
	topology, source string
	partition        task.ID
	offset           int64
	attempt          int
	tree             uint64
}

// Trees are the attempts at records, in the order in which their first events ended.
func (r *Recording) Trees() []Tree {
	var order []treeKey
	byKey := map[treeKey][]runtime.EventInfo{}
	for _, e := range r.Events() {
		key := treeKey{e.Topology, e.Source, e.RootTask, e.Offset, e.Attempt, e.Tree}
		if e.Tree != 0 {
			key.attempt = 0
		}
		if byKey[key] == nil {
			order = append(order, key)
		}
		byKey[key] = append(byKey[key], e)
	}
	trees := make([]Tree, len(order))
	for i, key := range order {
		trees[i] = Tree{Topology: key.topology, Source: key.source, Partition: key.partition, Offset: key.offset}
		trees[i].plant(byKey[key])
		trees[i].Attempt = trees[i].Events[0].Attempt
	}
	return trees
}

// plant puts the events into the order of the tree: the seed of a child follows from
// its parent's and its number. An event that ran several times is there several times.
func (t *Tree) plant(events []runtime.EventInfo) {
	bySeed := map[uint64][]int{}
	for i, e := range events {
		bySeed[e.Seed] = append(bySeed[e.Seed], i)
	}
	placed := make([]bool, len(events))
	var place func(i, depth int)
	place = func(i, depth int) {
		placed[i] = true
		t.Events, t.depth = append(t.Events, events[i]), append(t.depth, depth)
		if events[i].Err != nil {
			return // what it sent was taken back
		}
		for n := range events[i].Children {
			for _, child := range bySeed[acker.Child(events[i].Seed, uint32(n))] {
				if !placed[child] {
					place(child, depth+1)
				}
			}
		}
	}
	for i, e := range events {
		if e.Root && !placed[i] {
			place(i, 0)
		}
	}
	for i := range events {
		if !placed[i] {
			place(i, 1)
		}
	}
}

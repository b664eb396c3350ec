package eventtree

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/task"
)

// Merge puts together what tasks know of the trees of one record.
func Merge(parts []Part) []Tree {
	var trees []Tree
	for _, p := range said(parts) {
		for _, t := range p.Trees {
			if at := find(trees, t.Topology, t.Source); at >= 0 {
				trees[at] = joined(trees[at], t, p.Kept)
			} else {
				trees = append(trees, t)
			}
		}
	}
	missing := MissingOf(parts)
	for i := range trees {
		t := &trees[i]
		t.Missing, t.Complete = missing, t.Complete && len(missing) == 0
		all := t.Events
		for _, p := range parts {
			for _, e := range p.Events {
				switch {
				case e.Tree != 0 && e.Tree == t.ID:
					e.Topology, e.Source, e.Attempt = t.Topology, t.Source, t.Attempt
					all = append(all, e)
				case e.Tree == 0 && e.Topology == t.Topology && e.Source == t.Source:
					all = append(all, e)
				}
			}
		}
		t.Events = arrange(all)
		t.stuck(parts)
		t.running()
		t.say(parts)
	}
	slices.SortFunc(trees, func(a, b Tree) int {
		return cmp.Or(cmp.Compare(a.Topology, b.Topology), cmp.Compare(a.Source, b.Source))
	})
	return trees
}

func find(trees []Tree, topology, source string) int {
	return slices.IndexFunc(trees, func(t Tree) bool { return t.Topology == topology && t.Source == source })
}

// said puts what tasks say themselves before what workers have kept.
func said(parts []Part) []Part {
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b Part) int {
		switch {
		case a.Kept == b.Kept:
			return 0
		case a.Kept:
			return 1
		}
		return -1
	})
	return parts
}

// joined adds to what is known of a tree what somebody else knows. Where it is now, its
// task says itself; how it went, the worker has kept.
func joined(have, more Tree, kept bool) Tree {
	if !kept && have.State.Over() && !more.State.Over() {
		have, more = more, have // of two owners, the one that is at it
	}
	have.Events = append(have.Events, more.Events...)
	have.Complete = have.Complete || more.Complete
	have.Slow = have.Slow || more.Slow
	have.Error, have.TraceID = cmp.Or(have.Error, more.Error), cmp.Or(have.TraceID, more.TraceID)
	have.Attempt = cmp.Or(have.Attempt, more.Attempt)
	if len(more.Attempts) > len(have.Attempts) {
		have.Attempts = more.Attempts
	}
	if len(have.Tasks) == 0 {
		have.Tasks = more.Tasks
	}
	if have.State.Over() && more.State.Over() {
		if have.State == Done { // of those that ended well tasks do not know more
			have.State = more.State
		}
		have.Over = more.Over
		if have.Since.IsZero() {
			have.Since = more.Since
		}
	}
	return have
}

// rank orders what several tasks say of one event: what is further is the newer word.
var rank = map[State]int{
	Leaving: 1, Hopping: 2, Held: 3, Queued: 4, Behind: 4, Retrying: 4, Calling: 4, Reading: 5, Running: 5, Batched: 6, Committing: 7, Appending: 8, Ended: 9, Failed: 9,
}

// arrange leaves one of each event and attempt, finds parents, and puts them before their
// children.
func arrange(all []Event) []Event {
	type key struct {
		id      ID
		attempt int
	}
	at := map[key]int{}
	var events []Event
	for _, e := range all {
		k := key{e.ID, e.Attempt}
		i, ok := at[k]
		switch {
		case e.ID == 0:
			events = append(events, e)
		case !ok:
			at[k] = len(events)
			events = append(events, e)
		case rank[e.State] > rank[events[i].State]:
			e.Parent = cmp.Or(e.Parent, events[i].Parent)
			events[i] = e
		}
	}
	events = arrived(events)
	depth := make(map[ID]int, len(events))
	place := make(map[ID]int, len(events))
	for i := range events {
		for n := range min(events[i].Hops, hopsMax) {
			place[ID(acker.Child(uint64(events[i].ID), uint32(n)))] = i
		}
	}
	for i := range events {
		if by, ok := place[events[i].ID]; ok && events[i].Parent == 0 {
			events[i].Parent = events[by].ID
		}
	}
	parents := make(map[ID]ID, len(events))
	for _, e := range events {
		if e.Parent != 0 {
			parents[e.ID] = e.Parent
		}
	}
	for _, e := range events {
		d := 0
		for id := e.ID; parents[id] != 0 && d < len(events); d++ {
			id = parents[id]
		}
		depth[e.ID] = d
		if !e.Root && e.Parent == 0 {
			depth[e.ID] = 1
		}
	}
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Attempt, b.Attempt), cmp.Compare(depth[a.ID], depth[b.ID]), a.Began.Compare(b.Began), cmp.Compare(a.Task, b.Task), cmp.Compare(a.ID, b.ID))
	})
	return events
}

// arrived leaves out what senders say of events whose later attempts are known: they arrived,
// and the sender has not heard of it yet.
func arrived(events []Event) []Event {
	latest := make(map[ID]int, len(events))
	for i := range events {
		if e := &events[i]; e.ID != 0 {
			latest[e.ID] = max(latest[e.ID], e.Attempt)
		}
	}
	parents := map[ID]ID{}
	events = slices.DeleteFunc(events, func(e Event) bool {
		if e.State != Leaving && e.State != Hopping || e.Attempt >= latest[e.ID] {
			return false
		}
		parents[e.ID] = e.Parent
		return true
	})
	for i := range events {
		events[i].Parent = cmp.Or(events[i].Parent, parents[events[i].ID])
	}
	return events
}

// List puts together the trees that tasks have listed: those under way first, the oldest
// first, then those that are over, the latest first.
func List(parts []Part) []Tree {
	var trees []Tree
	at := map[string]int{}
	for _, p := range said(parts) {
		for _, t := range p.Trees {
			key := t.Record.String() + "/" + t.Topology + "/" + t.Source
			if i, ok := at[key]; ok {
				trees[i] = joined(trees[i], t, p.Kept)
				continue
			}
			at[key] = len(trees)
			trees = append(trees, t)
		}
	}
	for i := range trees {
		t := &trees[i]
		waits := t.Waits
		t.stuck(parts)
		if t.say(parts); len(t.Stuck) == 0 && !t.State.Over() {
			t.Waits = waits // its events were not asked for
		}
	}
	slices.SortStableFunc(trees, func(a, b Tree) int {
		switch ended := a.State.Over(); {
		case ended != b.State.Over():
			return cmp.Compare(rankOver(a), rankOver(b))
		case ended:
			return b.Over.Compare(a.Over)
		case a.Since.IsZero() != b.Since.IsZero():
			return b.Since.Compare(a.Since) // those whose time is not known last
		}
		return a.Since.Compare(b.Since)
	})
	return trees
}

func rankOver(t Tree) int {
	if t.State.Over() {
		return 1
	}
	return 0
}

// hopsMax bounds how many children of one event are looked for.
const hopsMax = 10_000

// stuck notes the handlers that hold up tasks of the tree, and what is seen of its own.
func (t *Tree) stuck(parts []Part) {
	for _, p := range parts {
		if p.Handler == nil || t.State.Over() {
			continue
		}
		if h := *p.Handler; p.Task == t.Task || slices.Contains(t.Tasks, p.Task) || len(t.Tasks) == 0 && p.Silent || h.Record == t.Record {
			t.Stuck = append(t.Stuck, h)
		}
	}
}

// telling orders what a tree waits for: the first that one of its events is at is named.
var telling = []State{Running, Reading, Retrying, Calling, Appending, Committing, Batched, Held, Queued, Behind, Leaving, Hopping}

// say words what the tree waits for, from its events and the handlers that hold up its
// tasks.
func (t *Tree) say(parts []Part) {
	if t.State.Over() {
		t.Waits = ""
		return
	}
	for _, h := range t.Stuck {
		if h.Record == t.Record {
			t.Waits = fmt.Sprintf("the handler of %s, which runs since %s", h, h.Since.UTC().Format(timeOfDay))
			return
		}
	}
	if len(t.Stuck) > 0 {
		h := t.Stuck[0]
		t.Waits = fmt.Sprintf("task %d, which is held up by the handler of %s, since %s", h.Task, h, h.Since.UTC().Format(timeOfDay))
		return
	}
	if t.State != Open {
		return
	}
	for _, p := range parts {
		if p.Error != "" && slices.Contains(t.Tasks, p.Task) {
			t.Waits = fmt.Sprintf("task %d, for which nobody answers: %s", p.Task, p.Error)
			return
		}
	}
	for _, state := range telling {
		n, first := 0, Event{}
		for _, e := range t.Events {
			if e.State == state && e.Attempt >= t.Attempt { // events of exactly-once streams have attempts of their own
				if n++; n == 1 {
					first = e
				}
			}
		}
		if n == 0 {
			continue
		}
		t.Waits = fmt.Sprintf("event %s on task %d, which is %s", first.Step, first.Task, first.State)
		if first.Waits != "" {
			t.Waits += ": " + first.Waits
		}
		if n > 1 {
			t.Waits += fmt.Sprintf(" (and %d more)", n-1)
		}
		return
	}
	t.Waits = "an event or an ack that is on its way between tasks"
	for _, p := range parts {
		if p.Unseen > 0 && slices.Contains(t.Tasks, p.Task) {
			t.Waits = fmt.Sprintf("an event or an ack that is on its way between tasks, or among the %d events on the disk of the worker of task %d", p.Unseen, p.Task)
		}
	}
}

const timeOfDay = "2006-01-02T15:04:05.000Z"

// Touched lists the tasks of a set as trees keep it: a bit for each number modulo 64.
func Touched(bits uint64, tasks int) []task.ID {
	if bits == 0 {
		return nil
	}
	var all []task.ID
	for id := range tasks {
		if bits&(1<<(uint(id)&63)) != 0 {
			all = append(all, task.ID(id))
		}
	}
	return all
}

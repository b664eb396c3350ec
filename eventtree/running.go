package eventtree

import "slices"

// running adds the events whose handlers do not return: their tasks answer nobody, so that no
// one else tells of them.
func (t *Tree) running() {
	for _, h := range t.Stuck {
		if h.Record != t.Record || h.Topology != t.Topology || h.Source != t.Source {
			continue
		}
		e := Event{
			Topology: h.Topology, Step: h.Step, Root: h.Root, Source: h.Source, Attempt: h.Attempt, Task: h.Task, Worker: h.Worker,
			State: Running, Since: h.Since, Began: h.Since, Waits: "its handler to return",
		}
		same := func(other Event) bool {
			return other.Step == e.Step && other.Root == e.Root && other.Attempt == e.Attempt && other.Task == e.Task && !other.State.Over()
		}
		if i := slices.IndexFunc(t.Events, same); i >= 0 {
			e.ID, e.Parent = t.Events[i].ID, t.Events[i].Parent
			t.Events[i] = e
			continue
		}
		behind := slices.IndexFunc(t.Events, func(other Event) bool { return other.Attempt > e.Attempt })
		if behind < 0 {
			behind = len(t.Events)
		}
		t.Events = slices.Insert(t.Events, behind, e)
	}
}

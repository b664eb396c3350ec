package runtime

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/coppice-run/coppice/module"
)

// An event of a stream may give up its task in the middle, when it has run for too long
// (module/flow, YieldIfOvertime, promise 11.12): it ends there, and what is left of it is an
// event of its own, which it sends to its own task. Others come in between. Those of its key
// do not: they wait until nothing is left of it, so that one key's events take effect in the
// order in which they came.
//
// How long an event has run says a clock of the driver's (Config.Elapsed): the engine has none.
// What waits is in memory alone, like the events under way: whoever owns the task next begins
// with their records anew. What is left of an event waits for nobody, so it always comes to an
// end; what waits counts as queued, so that sources close before it takes the memory (R43).

// yieldKey is a key of the events of a source, by its hash.
type yieldKey struct {
	topology, source int
	hash             uint64
}

// yielded is what is left of events of a key, and what waits for it.
type yielded struct {
	parts   int // events that are to come
	waiting []item
	bytes   int64 // of the frames that are kept for them
}

// overtime reports whether the running event has run for longer than it should.
func (t *Task) overtime() bool {
	if t.config.Elapsed == nil || t.co.ahead || t.anyWhole || t.host.Lasting || t.host.Microbatch != 0 {
		return false
	}
	return t.config.Elapsed()-t.eventBegan > t.options.EventTarget
}

// beginsEvent notes when an event began that may yield.
func (t *Task) beginsEvent() {
	if t.yields && t.config.Elapsed != nil && t.plan.Streams[t.host.Topology].Yields {
		t.eventBegan = t.config.Elapsed()
	}
}

// hasYielded notes that parts of the event that has ended are to come.
func (t *Task) hasYielded() {
	for _, hash := range t.host.Yields() {
		if hash == 0 {
			continue // it has no key: nobody waits
		}
		k := yieldKey{t.host.Topology, int(t.host.Origin.Source), hash}
		y := t.queue.yielded[k]
		if y == nil {
			if t.queue.yielded == nil {
				t.queue.yielded = map[yieldKey]*yielded{}
			}
			y = &yielded{}
			t.queue.yielded[k] = y
		}
		y.parts++
	}
}

// keyOf is the key of an item, as far as its source knows it; its hash is 0 if it has none.
func (t *Task) keyOf(it *item) yieldKey {
	if it.command != nil || it.part != nil || it.inbox != nil || it.outside != nil {
		return yieldKey{}
	}
	if it.isRoot() {
		p := it.source.topology.plan
		if !p.Yields {
			return yieldKey{}
		}
		return yieldKey{p.ID, it.source.plan.ID, module.KeyHash(it.record.Key)}
	}
	e := &it.frame.Events[it.index]
	step := t.steps[e.Step]
	if step.Key == nil {
		return yieldKey{}
	}
	return yieldKey{step.TopologyID(), int(e.Source), step.Key(it.frame.Columns[e.Step], int(e.Index))}
}

// isRest reports whether an item is what is left of an event that has yielded.
func (t *Task) isRest(it *item) bool {
	return it.frame != nil && it.outside == nil && t.steps[it.frame.Events[it.index].Step].Rest
}

// putsAside has an event wait whose key has yielded.
func (t *Task) putsAside(it *item) bool {
	if len(t.queue.yielded) == 0 || t.isRest(it) {
		return false
	}
	y := t.queue.yielded[t.keyOf(it)]
	if y == nil {
		return false
	}
	if f := it.frame; f != nil && !f.Kept {
		f.Kept = true
		y.bytes += f.Bytes()
		t.queue.bytes += f.Bytes()
	}
	y.waiting = append(y.waiting, *it)
	t.queue.aside++
	return true
}

// rested notes that a part of an event that had yielded is over, whatever way: where it was
// the last one, those that waited run next, in their order.
func (t *Task) rested(it *item) {
	key := t.keyOf(it)
	y := t.queue.yielded[key]
	if y == nil {
		return
	}
	if y.parts--; y.parts > 0 {
		return
	}
	delete(t.queue.yielded, key)
	t.queue.aside -= len(y.waiting)
	t.queue.bytes -= y.bytes
	t.queue.drawn = slices.Insert(t.queue.drawn, t.queue.at, y.waiting...)
}

// eachAside visits the events that wait for one of their key, key by key.
func (q *queue) eachAside(visit func(*yielded)) {
	if len(q.yielded) == 0 {
		return
	}
	keys := slices.SortedFunc(maps.Keys(q.yielded), func(a, b yieldKey) int {
		return cmp.Or(cmp.Compare(a.topology, b.topology), cmp.Compare(a.source, b.source), cmp.Compare(a.hash, b.hash))
	})
	for _, k := range keys {
		visit(q.yielded[k])
	}
}

// eventTarget is the default of Options.EventTarget.
const eventTarget = 5 * time.Millisecond

package telemetry

import (
	"slices"
	"time"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/runtime/microbatch"
	"github.com/coppice-run/coppice/task"
)

// drawnKept is how many ends of drawn records are kept of a topology: of so many even the
// 99th percentile says something, and they are told of within a few kilobytes.
const drawnKept = 512

// topologyKey names a topology.
type topologyKey struct{ module, topology string }

// drawn are the last ends of records of a topology that were drawn by the sampling, or of its microbatches. They have
// room of their own: trees that are kept since they failed do not take it.
type drawn struct {
	each [][2]int64 // as of eventtree.Drawn, in a ring
	next int        // place of the next one, and so of the oldest
}

func (d *drawn) add(over time.Time, took time.Duration) {
	one := [2]int64{over.UnixMilli(), took.Microseconds()}
	if len(d.each) < drawnKept {
		d.each = append(d.each, one)
		return
	}
	d.each[d.next] = one
	d.next = (d.next + 1) % drawnKept
}

// noteDrawn notes the end of a record that was drawn, if it is known when it began.
func (k *Trees) noteDrawn(t *keptTree, now time.Time) {
	if !runtime.Sampled(t.key.partition, t.key.offset, k.config.Every) {
		return
	}
	began := t.tree.Since
	if first := t.tree.Attempts; len(first) > 0 && !first[0].Began.IsZero() {
		began = first[0].Began
	}
	if began.IsZero() {
		return
	}
	k.note(topologyKey{t.key.module, t.key.topology}, now, now.Sub(began))
}

// note notes an end. k is locked.
func (k *Trees) note(key topologyKey, over time.Time, took time.Duration) {
	d := k.drawn[key]
	if d == nil {
		d = &drawn{}
		k.drawn[key] = d
	}
	d.add(over, took)
}

// openMicrobatch is what a coordinator on this worker is at.
type openMicrobatch struct {
	id    uint64
	began time.Time
}

// microbatch notes how long a microbatch took, all attempts together: it ends when its
// coordinator is idle again, or is at the next one. One that a former owner began, or a next one will
// end, is not known whole and does not count.
func (k *Trees) microbatch(i runtime.MicrobatchInfo) {
	if !i.Coordinate {
		return
	}
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	key := topologyKey{i.Module, i.Topology}
	open, known := k.micros[key]
	idle, begins := i.Phase == microbatch.Idle.String(), i.Phase == microbatch.Joining.String()
	switch {
	case known && i.ID == open.id && idle, known && i.ID == open.id+1:
		k.note(key, now, now.Sub(open.began))
	case known && i.ID == open.id:
		return // it goes on
	}
	delete(k.micros, key)
	if begins {
		k.micros[key] = openMicrobatch{i.ID, now}
	}
}

// forgetMicrobatches forgets what a coordinator was at that has lost its memory.
func (k *Trees) forgetMicrobatches(i runtime.TaskInfo) {
	if i.Task != coordinating {
		return
	}
	for key := range k.micros {
		if key.module == i.Module {
			delete(k.micros, key)
		}
	}
}

// coordinating is the task whose owner coordinates microbatches.
const coordinating task.ID = 0

// drawnOf is what is kept of a module's topologies.
func (k *Trees) drawnOf(module string) (all []eventtree.Drawn) {
	for key, d := range k.drawn {
		if key.module == module {
			all = append(all, eventtree.Drawn{Topology: key.topology, Each: slices.Concat(d.each[d.next:], d.each[:d.next]), Full: len(d.each) == drawnKept})
		}
	}
	return all
}

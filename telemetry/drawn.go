package telemetry

import (
	"slices"
	"time"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/runtime"
)

// drawnKept is how many ends of drawn records are kept of a topology: of so many even the
// 99th percentile says something, and they are told of within a few kilobytes.
const drawnKept = 512

// topologyKey names a topology.
type topologyKey struct{ module, topology string }

// drawn are the last ends of records of a topology that were drawn by the sampling. They have
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
	key := topologyKey{t.key.module, t.key.topology}
	d := k.drawn[key]
	if d == nil {
		d = &drawn{}
		k.drawn[key] = d
	}
	d.add(now, now.Sub(began))
}

// drawnOf is what is kept of a module's topologies.
func (k *Trees) drawnOf(module string) (all []eventtree.Drawn) {
	for key, d := range k.drawn {
		if key.module == module {
			all = append(all, eventtree.Drawn{Topology: key.topology, Each: slices.Concat(d.each[d.next:], d.each[:d.next]), Full: len(d.each) == drawnKept})
		}
	}
	return all
}

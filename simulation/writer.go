package simulation

import (
	"fmt"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// writer is a process's producer: what it writes to one partition stays in order.
// What it has sent when its process ends arrives, up to some moment after that.
type writer struct {
	arrival map[writing]int64 // of the last record
	ends    int64             // nothing arrives after; 0: no end
}

// writing is a partition of a depot.
type writing struct {
	depot     string
	partition int32
}

// emitted is a record that a topology appended.
type emitted struct {
	writing
	offset int64
}

// write carries out an append of a handler. Faults: it is refused; its answer is
// lost, and perhaps the record too; it arrives late, and all behind it.
func (o *owner) write(a runtime.Append) {
	w, at := o.w, writing{a.Depot + a.Topic, a.Partition}
	if o.writer.arrival == nil {
		o.writer.arrival = map[writing]int64{}
	}
	arrive := max(o.writer.arrival[at], w.now+w.between(100*microsecond, 3*millisecond))
	if w.faulty(LateAppend) {
		arrive += w.between(giveUpAfter, lateBy)
	}
	o.writer.arrival[at] = arrive
	answer := func(err error, after int64) {
		w.at(arrive+after, func() { o.step(&runtime.AppendDone{ID: a.ID, Err: err}) })
	}
	switch {
	case w.faulty(RefusedAppend):
		w.tracef("%v: append %d to depot %s partition %d refused", o, a.ID, a.Depot, a.Partition)
		answer(fmt.Errorf("%w: the broker refused it", depot.ErrNotAppended), w.between(0, 2*millisecond))
		return
	case w.faulty(LostAppend):
		w.tracef("%v: nobody knows about append %d to depot %s partition %d", o, a.ID, a.Depot, a.Partition)
		answer(fmt.Errorf("%w: no answer", depot.ErrUnknown), w.between(0, giveUpAfter))
		if w.chance(500) {
			return
		}
	default:
		answer(nil, w.between(50*microsecond, 2*millisecond))
	}
	w.at(arrive, func() {
		if o.writer.ends != 0 && w.now > o.writer.ends {
			return
		}
		if a.Topic != "" {
			w.writeTopic(a.Topic, a.Record, a.Spread)
			w.tracef("append %d of %v: topic %s %q", a.ID, o, a.Topic, a.Record.Value)
			return
		}
		offset := w.put(a.Depot, int(a.Partition), a.Record)
		w.emitted = append(w.emitted, emitted{at, offset})
		w.tracef("append %d of %v: depot %s task %d offset %d %q", a.ID, o, a.Depot, a.Partition, offset, a.Record.Value)
	})
}

// checkEmitted reports records of topologies that some stream is not done with.
func (w *world) checkEmitted() {
	w.result.Emitted = len(w.emitted)
	for _, e := range w.emitted {
		tag := w.tags[e.partition]
		state := w.serverOf(task.ID(e.partition)).current.slot(tag)
		for _, topology := range w.plan.Streams {
			table := state.tables[wire.TopologyTable(tag, topology.Name, topology.Microbatch).Key]
			for _, source := range topology.Sources {
				if source.Depot.Name != e.depot {
					continue
				}
				if stored, err := progress.Parse(table[source.Name]); err != nil || !stored.Done(e.offset) {
					w.violate("the record that a topology appended to depot %s task %d at offset %d is not done: stream %s has %q", e.depot, e.partition, e.offset, topology.Name, table[source.Name])
					return
				}
			}
		}
	}
}

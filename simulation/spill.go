package simulation

import (
	"errors"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// disk is a process's own store for what finds no room in its memory: memory here, with
// the delays of a disk. It forgets everything when its owner drops its connection.
type disk struct {
	o     *owner
	kept  map[uint64][]byte
	epoch uint64 // counts the times that it was emptied
	busy  int64  // until when
}

var (
	errDiskFull = errors.New("no space left on device")
	errDiskBad  = errors.New("input/output error")
)

// Times of the disk.
const (
	diskDelayMin = 20 * microsecond
	diskDelayMax = 3 * millisecond
)

func newDisk(o *owner) *disk { return &disk{o: o, kept: map[uint64][]byte{}} }

// empty forgets everything; what is under way is void.
func (d *disk) empty() {
	clear(d.kept)
	d.epoch++
}

// later does one thing after the other.
func (d *disk) later(do func() runtime.Input) {
	w, epoch := d.o.w, d.epoch
	d.busy = max(d.busy, w.now) + w.between(diskDelayMin, diskDelayMax)
	w.at(d.busy, func() {
		if d.epoch == epoch && d.o.alive {
			d.o.step(do())
		}
	})
}

func (d *disk) write(s runtime.Spill) {
	w := d.o.w
	w.result.Spilled++
	d.later(func() runtime.Input {
		if w.faulty(FullDisk) {
			w.tracef("FAULT %v: no room on its disk for %d bytes", d.o, len(s.Raw))
			return &runtime.Spilled{ID: s.ID, Raw: s.Raw, Err: errDiskFull}
		}
		d.kept[s.ID] = s.Raw
		return &runtime.Spilled{ID: s.ID}
	})
}

func (d *disk) read(id uint64) {
	w := d.o.w
	d.later(func() runtime.Input {
		raw, ok := d.kept[id]
		if !ok {
			w.violate("%v reads what it has not kept: %d", d.o, id)
		}
		delete(d.kept, id)
		if w.faulty(BadDisk) {
			w.tracef("FAULT %v: its disk does not give back %d bytes", d.o, len(raw))
			return &runtime.Unspilled{ID: id, Err: errDiskBad}
		}
		return &runtime.Unspilled{ID: id, Raw: raw}
	})
}

// carryOutSpills does what the engine asks of its disk.
func (o *owner) carryOutSpills(e *runtime.Effects) {
	for _, s := range e.Spills {
		o.disk.write(s)
	}
	for _, id := range e.Unspills {
		o.disk.read(id)
	}
	for _, id := range e.Unwanted {
		delete(o.disk.kept, id)
	}
	o.w.result.QueuedMax = max(o.w.result.QueuedMax, o.engine.QueuedBytes())
}

// strain has the ways between tasks fill up now and then, in runs that have little
// memory: what waits for an outlet to open comes in order all the same.
func (w *world) strain() {
	if !w.strained {
		return
	}
	var next func()
	next = func() {
		if w.quiet {
			return
		}
		o, to := w.owners[w.extra.IntN(w.tasks)], w.extra.IntN(w.tasks)
		if o != nil && int(o.id) != to {
			o.shut(to)
		}
		w.after(1+w.extra.Int64N(10*millisecond), next)
	}
	w.after(0, next)
}

// shut closes the way to another task for a while.
func (o *owner) shut(to int) {
	o.step(&runtime.Outlet{To: task.ID(to), Shut: true})
	o.w.after(o.w.extra.Int64N(20*millisecond), func() { o.step(&runtime.Outlet{To: task.ID(to)}) })
}

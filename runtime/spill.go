package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// A record that fans out to millions of events must not take its worker's memory, and no
// hop may wait for another (R43). So what does not find room goes to a store of the
// process's own, and comes back in order:
//
//   - what one event sends off, beyond half of topology.stream.tree.bytes.max, before its
//     batch is committed (pieces). The handler waits for the disk, as for a read. A batch
//     takes no more events when they have sent off a quarter of it;
//   - events behind those that wait in memory on a task: each lane keeps its first frames;
//   - events for a task to which too much is on its way already (outlets).
//
// Acks do not wait behind any of this: they are taken out of the frames. What is kept is
// lost with the ownership period, like the trees that it belongs to.

// SpillError: events that found no room in memory could not be kept on the worker's
// machine, or not be read back. Their records are tried again; the disk wants room. It does
// not count toward MaxAttempts.
type SpillError struct {
	Task task.ID // where the events were
	Err  error
}

func (e *SpillError) Error() string {
	return fmt.Sprintf("events of task %d that found no room in memory were lost: %v", e.Task, e.Err)
}

func (e *SpillError) Unwrap() error { return e.Err }

// boundOutbox tells the outbox how much it may hold.
func (t *Task) boundOutbox() {
	if t.host.Out != nil {
		t.host.Out.BytesMax = int(t.options.TreeBytesMax / 2)
	}
}

// sentEnough reports whether the open batch has sent off so much that it ends.
func (t *Task) sentEnough() bool { return int64(t.host.Out.Bytes()) > t.options.TreeBytesMax/4 }

// spillOut is called in a handler that has sent off too much. It waits until that is kept
// elsewhere.
func (t *Task) spillOut() {
	if t.co.ahead {
		t.abandon(errUnwound)
	}
	for _, p := range t.host.Out.Spill(t.spills.mark) {
		f := p.Frame
		f.From = t.config.Task
		raw, err := wire.AppendPacked(nil, f)
		if err != nil {
			t.abandon(&SpillError{Task: t.config.Task, Err: err})
		}
		e := &entry{raw: raw, size: int64(len(raw)), events: p.Events, whole: true}
		t.write(e)
		t.spills.memory += e.size
		p.ID, p.Frame = e.id, nil
		t.pool.Put(f)
		t.spills.writing++
	}
	t.co.waiting = true
	if !t.co.yield(struct{}{}) {
		t.abandon(errUnwound)
	}
	t.co.waiting = false
	if err := t.spills.failed; err != nil {
		t.spills.failed = nil
		t.abandon(err)
	}
}

// pieceKept goes on with the handler when all its pieces are kept, or some are not.
func (t *Task) pieceKept(why *SpillError) {
	if why.Err != nil {
		t.spills.failed = why
	}
	if t.spills.writing--; t.spills.writing == 0 {
		t.co.resume(t.body)
	}
}

// enqueue takes in events for this task: behind those of their sender that wait, in
// memory or not.
func (t *Task) enqueue(f *wire.Frame) {
	l := t.queue.lane(f.From, t.config.Tasks)
	if len(l.spool.entries) > 0 || len(l.frames) > 0 && t.queue.bytes+f.Bytes() > t.options.TreeBytesMax {
		t.keep(&l.spool, f)
		t.recall(l)
		return
	}
	t.queue.push(l, f)
}

// recall brings back what comes next in a lane, when little of it is in memory.
func (t *Task) recall(l *lane) {
	for len(l.frames) <= 1 {
		frames, ok := t.unspool(&l.spool)
		if !ok {
			return
		}
		for _, f := range frames {
			t.queue.push(l, f)
		}
	}
}

// recallAll does so for all lanes.
func (t *Task) recallAll() {
	if t.spills.kept == 0 {
		return
	}
	for _, l := range t.queue.lanes {
		if l != nil && len(l.spool.entries) > 0 {
			t.recall(l)
		}
	}
}

// outlet is the way to another task. While it is shut, or something waits for it to open,
// events are kept; the others leave as they come.
type outlet struct {
	shut  bool
	spool spool
}

func (t *Task) outlet(to task.ID) *outlet {
	if t.spills.outlets == nil {
		t.spills.outlets = make([]outlet, t.config.Tasks)
	}
	o := &t.spills.outlets[to]
	o.spool.outlet = o
	return o
}

// depart sends a frame to another task, or keeps its events until those before them have
// left.
func (t *Task) depart(f *wire.Frame) {
	if t.spills.outlets == nil || len(f.Events) == 0 {
		t.ship(f)
		return
	}
	o := t.outlet(f.To)
	if !o.shut && len(o.spool.entries) == 0 {
		t.ship(f)
		return
	}
	events := f.SplitEvents()
	if f.Empty() {
		t.pool.Put(f)
	} else {
		t.ship(f)
	}
	events.From = t.config.Task
	t.keep(&o.spool, events)
	t.drain(o)
}

// drain sends what waits in an outlet, as far as it is in memory, and asks for the next.
func (t *Task) drain(o *outlet) {
	for !o.shut {
		frames, ok := t.unspool(&o.spool)
		if !ok {
			return
		}
		for _, f := range frames {
			t.ship(f)
		}
	}
}

// releasePieces lets go what a batch has sent off and does not have in memory.
func (t *Task) releasePieces(b *batch) {
	for _, p := range b.pieces {
		if t.phase != running {
			t.unwanted(p.ID)
			continue
		}
		s := &t.outlet(p.To).spool
		if p.To == t.config.Task {
			s = &t.queue.lane(p.To, t.config.Tasks).spool
		}
		t.keepPiece(s, p)
	}
	for _, p := range b.pieces {
		if t.phase != running {
			return
		}
		if p.To == t.config.Task {
			t.recall(t.queue.lane(p.To, t.config.Tasks))
		} else {
			t.drain(t.outlet(p.To))
		}
	}
}

// onOutlet opens or shuts the way to another task.
func (t *Task) onOutlet(in *Outlet) {
	if t.phase != running {
		return
	}
	o := t.outlet(in.To)
	o.shut = in.Shut
	t.drain(o)
}

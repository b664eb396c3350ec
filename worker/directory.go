package worker

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// directory knows which worker owns which task of a module (R6): by the heads, and
// by the greeting of every new owner. What it knows may be out of date; then who
// is asked says so, and the next look at the head mends it.
type directory struct {
	w *Worker
	l *loaded

	owners []atomic.Pointer[string] // address by task, nil if not known

	mu      sync.Mutex
	waiting map[task.ID][][]byte // frames to tasks whose owner is being looked for
	queued  []atomic.Bool        // by task: something is waiting, and what comes waits behind it
}

// How an owner is looked for.
const (
	lookPause   = 10 * time.Millisecond
	lookTimeout = 2 * time.Second
)

func newDirectory(w *Worker, l *loaded) *directory {
	return &directory{w: w, l: l, owners: make([]atomic.Pointer[string], l.tasks), waiting: map[task.ID][][]byte{}, queued: make([]atomic.Bool, l.tasks)}
}

// address of a task's owner, "" if it is not known.
func (o *directory) address(id task.ID) string {
	if a := o.owners[id].Load(); a != nil {
		return *a
	}
	return ""
}

// learn notes who owns a task.
func (o *directory) learn(id task.ID, address string) {
	if o.address(id) != address {
		o.owners[id].Store(&address)
	}
}

// lost notes that frames to and from a task may be lost, and tells the tasks here.
func (o *directory) lost(id task.ID, address string) {
	if a := o.owners[id].Load(); a != nil && *a == address {
		o.owners[id].CompareAndSwap(a, nil)
	}
	o.l.each(func(d *driver) { d.send(&runtime.PeerLost{Task: id}) })
}

// closed notes that the connection to a worker broke.
func (o *directory) closed(address string) {
	for i := range o.owners {
		if o.address(task.ID(i)) == address {
			o.lost(task.ID(i), address)
		}
	}
}

// ship sends a frame to the task that it is for. It never waits (R43): a frame
// whose owner is not known is kept until it is found, and none goes past one that is kept.
func (o *directory) ship(from *driver, f *wire.Frame) {
	here := o.w.link.Address()
	address := o.address(f.To)
	queued := o.queued[f.To].Load()
	if !queued && (address == here || address == "") {
		if d := o.l.drivers[f.To].Load(); d != nil {
			to := f.To // the frame is the other task's from here on
			d.send(&runtime.FrameIn{Frame: f})
			o.w.outlets.sent(from, to, d.backlog)
			return
		}
	}
	raw, err := f.Append(wire.AppendEnvelope(nil, o.l.plan.Module))
	if err != nil {
		// Payloads were checked when they were sent; a tree that misses one times out.
		from.log.Error("frame does not encode", "to", int(f.To), "cause", err)
		return
	}
	if !queued && address != "" && address != here {
		o.w.link.Send(address, raw)
		o.w.outlets.sent(from, f.To, func() int64 { return o.w.backlog(address) })
		return
	}
	o.look(f.To, raw)
}

// look keeps a frame until the owner of its task is found.
func (o *directory) look(id task.ID, raw []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if all := o.waiting[id]; all != nil {
		o.waiting[id] = append(all, raw)
		return
	}
	if address := o.address(id); address != "" && address != o.w.link.Address() {
		o.w.link.Send(address, raw) // found meanwhile
		return
	}
	o.waiting[id] = [][]byte{raw}
	o.queued[id].Store(true)
	o.l.background.Go(func() { o.find(id) })
}

// find looks at a task's head until it names a worker, and sends there what waits.
func (o *directory) find(id task.ID) {
	ctx, cancel := context.WithTimeout(o.l.ctx, lookTimeout)
	defer cancel()
	for {
		address, err := o.head(ctx, id)
		if err == nil && o.flush(id, address) {
			return
		}
		pause(ctx, lookPause)
		if ctx.Err() != nil {
			break
		}
	}
	o.mu.Lock()
	n := len(o.waiting[id])
	o.drop(id)
	o.mu.Unlock()
	if o.l.ctx.Err() == nil {
		o.w.config.Logger.Warn("a task has no owner; what was sent to it is tried again from the root", "module", o.l.plan.Module, "task", int(id), "frames", n)
	}
	o.lost(id, "")
}

// flush sends what waits for a task to the address that its head names. It
// reports whether that can be its owner. This worker can if it has the task now: it may have been
// the one before, and have begun anew.
func (o *directory) flush(id task.ID, address string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	here := o.w.link.Address()
	if address == "" || address == here && o.l.drivers[id].Load() == nil {
		return false
	}
	for _, raw := range o.waiting[id] {
		if address == here {
			handler{o.w}.Frame(here, raw)
		} else {
			o.w.link.Send(address, raw)
		}
	}
	o.learn(id, address)
	o.drop(id)
	return true
}

// drop forgets what waited for a task: what comes from here on goes straight.
func (o *directory) drop(id task.ID) {
	delete(o.waiting, id)
	o.queued[id].Store(false)
}

// head reads the address in a task's head.
func (o *directory) head(ctx context.Context, id task.ID) (string, error) {
	slot := o.l.slots[id]
	reads := [1]store.Read{{Kind: store.Len, Table: wire.ParkedTable(slot.Tag)}}
	head, err := o.w.config.Store.Read(ctx, slot, reads[:])
	if err != nil {
		return "", fmt.Errorf("reading the head of task %d: %w", id, err)
	}
	return head.Address, nil
}

package worker

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/nomination"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// ownership runs the tasks of one module that are nominated to this worker. A
// task that is nominated to another goes on until that one takes its head (R4).
type ownership struct {
	w *Worker
	l *loaded

	mu         sync.Mutex
	membership nomination.Membership // nil until joined
	nominated  []bool                // by task
	leaving    bool                  // no task is begun any more
}

func newOwnership(w *Worker, l *loaded) *ownership {
	return &ownership{w: w, l: l, nominated: make([]bool, l.tasks)}
}

// join becomes a member of the module's group.
func (o *ownership) join(ctx context.Context) error {
	m, err := o.w.config.Nominations.Join(ctx, nomination.Member{Module: o.l.plan.Module, Tasks: o.l.tasks, Address: o.w.link.Address()}, o.change)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.membership = m
	return nil
}

// change takes in what the group says.
func (o *ownership) change(c nomination.Change) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range c.Lost {
		o.nominated[id] = false
		if d := o.l.drivers[id].Load(); d != nil {
			d.send(&runtime.Nominated{})
		}
	}
	for _, id := range c.Gained {
		o.nominated[id] = true
		if d := o.l.drivers[id].Load(); d != nil {
			d.send(&runtime.Nominated{Yes: true})
		} else {
			o.begin(id)
		}
	}
}

// begin runs a task; locked.
func (o *ownership) begin(id task.ID) {
	if o.leaving || !o.nominated[id] || o.l.drivers[id].Load() != nil || o.l.ctx.Err() != nil {
		return
	}
	d := newDriver(o.w, o.l, id)
	o.l.drivers[id].Store(d)
	o.l.background.Go(func() {
		// Who waits for a task is told even where a handler of it hangs.
		defer context.AfterFunc(o.l.ctx, func() { d.failWaiters(workerStopped) })()
		o.handOver(d)
		d.run(o.l.ctx)
		o.ended(d)
	})
}

// againPause is how long a nominated task may be without its head (R4).
const againPause = time.Second

// ended takes a task off that has stopped. Where it is nominated all the same, it
// is begun again after a while: whoever asked for it may have been wrong, or gone.
func (o *ownership) ended(d *driver) {
	for _, f := range slices.Concat(o.l.feeds, o.l.committed) {
		f.leave(d)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.l.drivers[d.id].CompareAndSwap(d, nil)
	if !o.nominated[d.id] || o.leaving || o.l.ctx.Err() != nil {
		return
	}
	if d.crashed {
		o.begin(d.id)
		return
	}
	o.l.background.Go(func() {
		pause(o.l.ctx, againPause)
		o.mu.Lock()
		defer o.mu.Unlock()
		o.begin(d.id)
	})
}

// mayTake reports whether the task is nominated to this worker now (R5).
func (o *ownership) mayTake(id task.ID) bool {
	o.mu.Lock()
	m, nominated := o.membership, o.nominated[id]
	o.mu.Unlock()
	return nominated && (m == nil || m.Nominated(id))
}

// handOverTimeout bounds how long a nominee waits for the former owner to finish
// what it has begun. What is not finished then runs again.
const handOverTimeout = 150 * time.Millisecond

// handOver asks the owner of a task to finish what it has begun, and to begin no
// more: a hand-over in good order repeats no record of this task's depots.
func (o *ownership) handOver(d *driver) {
	ctx, cancel := context.WithTimeout(o.l.ctx, handOverTimeout)
	defer cancel()
	address, err := o.l.owners.head(ctx, d.id)
	if err != nil || address == "" || address == o.w.link.Address() {
		return
	}
	// Whether it answers or not, the head decides.
	_, err = o.w.link.Call(ctx, address, wire.AppendRequest(nil, &wire.Request{Module: o.l.plan.Module, Task: d.id, Release: true}))
	if err != nil {
		d.log.Debug("the former owner does not answer", "address", address, "cause", err)
	}
}

// release finishes a task for its nominee. It goes on running the events of other
// tasks' records until the nominee takes its head. Where that does not come and
// the task is still nominated to this worker, it begins records again.
func (o *ownership) release(ctx context.Context, d *driver) {
	d.settle(ctx)
	o.l.background.Go(func() {
		pause(o.l.ctx, againPause)
		o.mu.Lock()
		defer o.mu.Unlock()
		if !o.leaving && o.nominated[d.id] {
			d.send(&runtime.Nominated{Yes: true})
		}
	})
}

// leave gives the nominations up and waits for the tasks to be taken by others; if
// there are none, or they take too long, the tasks finish here. They go on running
// the events of each other's records until the worker ends.
func (o *ownership) leave(ctx context.Context, others bool) {
	o.mu.Lock()
	o.leaving = true
	m := o.membership
	o.mu.Unlock()
	remaining := 0
	if m != nil {
		leaveCtx, cancel := context.WithTimeout(ctx, leaveTimeout)
		defer cancel()
		var err error
		if remaining, err = m.Leave(leaveCtx); err != nil {
			o.w.config.Logger.Warn("leaving the group failed; the tasks pass on when the session ends", "module", o.l.plan.Module, "cause", err)
		}
		o.l.each(func(d *driver) { d.send(&runtime.Nominated{}) })
		if remaining > 0 && others {
			o.awaitStopped(leaveCtx)
		}
	}
	var group sync.WaitGroup
	o.l.each(func(d *driver) {
		if d.halted.Load() == nil {
			group.Go(func() { d.settle(ctx) })
		}
	})
	group.Wait()
}

// leaveTimeout bounds how long a worker that stops runs its tasks for others to
// take them.
const leaveTimeout = 4 * time.Second

func (o *ownership) awaitStopped(ctx context.Context) {
	o.l.each(func(d *driver) {
		if d.halted.Load() != nil {
			return
		}
		select {
		case <-d.stopped:
		case <-ctx.Done():
		}
	})
}

// close ends the membership.
func (o *ownership) close() {
	o.mu.Lock()
	m := o.membership
	o.leaving = true
	o.mu.Unlock()
	if m != nil {
		m.Close()
	}
}

package worker

import (
	"context"
	"errors"
	"sync"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// objects opens the objects of a task, beside it, and closes them when its driver ends or
// the task has halted.
type objects struct {
	d      *driver
	ctx    context.Context
	cancel context.CancelFunc
	under  sync.WaitGroup // opening

	mu   sync.Mutex
	open []any // as the plan has them; those that are open
	all  []any // once all are
}

func newObjects(d *driver) *objects {
	o := &objects{d: d}
	o.ctx, o.cancel = context.WithCancel(d.loaded.ctx)
	return o
}

// start opens them; the answer goes to the engine. Where one does not open, those before it
// are closed.
func (o *objects) start() {
	o.under.Go(func() {
		done := &runtime.ObjectsOpened{}
		for _, plan := range o.d.loaded.plan.Objects {
			object, err := runtime.OpenObject(func() (any, error) {
				return plan.Open(o.ctx, module.ObjectPlace{Module: o.d.loaded.plan.Module, Task: o.d.id, Tasks: o.d.loaded.tasks})
			}, plan)
			if err != nil {
				o.cancel()
				done.Err = errors.Join(err, o.release())
				break
			}
			o.mu.Lock()
			o.open = append(o.open, object)
			o.mu.Unlock()
		}
		if done.Err == nil {
			o.mu.Lock()
			done.Objects, o.all = o.open, o.open
			o.mu.Unlock()
		}
		o.d.send(done)
	})
}

// opened are all of them, for calls; nil before.
func (o *objects) opened() []any {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all
}

// close ends them for good, the last that was opened first. It waits for those that open.
func (o *objects) close() {
	o.cancel()
	o.under.Wait()
	if err := o.release(); err != nil {
		o.d.log.Warn("an object of the task did not close well", "cause", err)
	}
}

// release closes what is open.
func (o *objects) release() error {
	o.mu.Lock()
	open := o.open
	o.open, o.all = nil, nil
	o.mu.Unlock()
	var wrong []error
	for i := len(open) - 1; i >= 0; i-- {
		wrong = append(wrong, runtime.CloseObject(open[i], o.d.loaded.plan.Objects[i]))
	}
	return errors.Join(wrong...)
}

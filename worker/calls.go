package worker

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// calls makes a task's calls to the outside, each in a goroutine of its own, until the
// task gives up its connection. Only the driver's goroutine uses it.
type calls struct {
	d      *driver
	ctx    context.Context
	cancel context.CancelFunc
}

func newCalls(d *driver) *calls {
	c := &calls{d: d}
	c.ctx, c.cancel = context.WithCancel(d.loaded.ctx)
	return c
}

// drop ends the calls under way: what they return counts for nothing any more.
func (c *calls) drop() {
	c.cancel()
	c.ctx, c.cancel = context.WithCancel(c.d.loaded.ctx)
}

// make makes a call; its answer goes to the engine.
func (c *calls) make(call runtime.Call) {
	ctx := module.WithObjects(module.WithCallID(c.ctx, call.Seed), c.d.object.opened())
	ctx = module.WithViews(ctx, &views{w: c.d.w, l: c.d.loaded})
	step := c.d.loaded.steps[call.Step]
	c.d.loaded.background.Go(func() {
		done := &runtime.CallDone{ID: call.ID}
		done.Result, done.Err = guarded(ctx, step, call)
		c.d.send(done)
	})
}

// guarded runs the function of a call; a panic becomes its error.
func guarded(ctx context.Context, step *module.StepPlan, call runtime.Call) (result []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &runtime.PanicError{Value: fmt.Sprint(p), Stack: string(debug.Stack())}
		}
	}()
	return step.Call(ctx, call.Input, 0)
}

package simulation

import (
	"context"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// outside reports whether a step is a call: calls return in no order.
func (w *world) outside(step string) bool {
	for _, s := range w.steps {
		if s.Name == step {
			return s.Outside
		}
	}
	return false
}

// call makes a call to the outside: its function runs some time later, and its answer
// takes a while. The process may be gone by either time: the function runs all the same
// if it was under way.
func (w *world) call(o *owner, c runtime.Call) {
	w.after(w.between(100*microsecond, 20*millisecond), func() {
		if !o.alive && w.chance(500) {
			return // it had not begun
		}
		done := &runtime.CallDone{ID: c.ID}
		done.Result, done.Err = w.steps[c.Step].Call(module.WithObjects(module.WithCallID(context.Background(), c.Seed), o.objects), c.Input, 0)
		w.tracef("%v called %s: %v", o, w.steps[c.Step].Name, done.Err)
		w.after(w.between(100*microsecond, 20*millisecond), func() { o.step(done) })
	})
}

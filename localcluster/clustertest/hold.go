package clustertest

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/worker"
)

// Hold is a step that stands still, or a source.
type Hold struct {
	k        *Kit
	handlers []module.HandlerName
	tasks    tasks
}

// Hold has the events of a step wait, or the records of a depot, before they run: on
// the tasks that are named, or on all. The task goes on with the rest, and nothing
// blocks; what the same task has sent behind a waiting event waits with it, since events
// from one task to another keep their order. Owners that come later hold as well. All
// holds end with the test.
//
// h is a module.Step, a module.Depot, a module.Call, which is then not made, or what
// Step and Source return. To hold what is held already fails the test.
func (k *Kit) Hold(h module.Handles, on ...task.ID) *Hold {
	k.t.Helper()
	hold := &Hold{k: k, handlers: k.handlers(h), tasks: k.some(on)}
	k.mu.Lock()
	for _, name := range hold.handlers {
		if k.isHeld(name) {
			k.mu.Unlock()
			k.t.Fatalf("%v is held already", name)
		}
	}
	defer k.mu.Unlock()
	k.holds = append(k.holds, hold)
	for o := range k.owners {
		hold.send(o)
	}
	return hold
}

// isHeld reports whether a handler is; k is locked.
func (k *Kit) isHeld(name module.HandlerName) bool {
	return slices.ContainsFunc(k.holds, func(h *Hold) bool { return slices.Contains(h.handlers, name) })
}

// send has an owner hold.
func (h *Hold) send(o *worker.Owner) {
	if !h.tasks.has(o.Task) {
		return
	}
	for _, name := range h.handlers {
		o.Send(&runtime.Hold{Handler: name})
	}
}

// Waiting is how many events wait at the hold, or how many records, on all of its
// tasks together.
func (h *Hold) Waiting() int {
	h.k.mu.Lock()
	defer h.k.mu.Unlock()
	return h.waiting()
}

// waiting is Waiting with k locked.
func (h *Hold) waiting() (n int) {
	for _, o := range h.k.owners {
		for _, held := range o.status.Held {
			if slices.Contains(h.handlers, held.Handler) {
				n += held.Events
			}
		}
	}
	return n
}

// Await waits until so many events wait at the hold, or more. What they were sent by
// is committed then.
func (h *Hold) Await(events int) {
	h.k.t.Helper()
	h.k.wait(fmt.Sprintf("%d events at the hold of %v", events, h.handlers[0]), func() bool { return h.waiting() >= events })
}

// Let lets the next so many events pass on each of the hold's tasks, or on those that
// are named, whether they wait already or come later.
func (h *Hold) Let(events int, on ...task.ID) {
	h.k.t.Helper()
	to := h.k.some(on)
	h.k.mu.Lock()
	defer h.k.mu.Unlock()
	for _, name := range h.handlers {
		h.k.send(to, &runtime.Let{Handler: name, Events: events})
	}
}

// Release ends the hold: what waits runs, in its order. To release again does nothing.
func (h *Hold) Release() {
	h.k.mu.Lock()
	defer h.k.mu.Unlock()
	i := slices.Index(h.k.holds, h)
	if i < 0 {
		return
	}
	h.k.holds = slices.Delete(h.k.holds, i, i+1)
	for _, name := range h.handlers {
		h.k.send(h.tasks, &runtime.Release{Handler: name})
	}
}

// releaseAll ends all holds.
func (k *Kit) releaseAll() {
	k.mu.Lock()
	holds := slices.Clone(k.holds)
	k.mu.Unlock()
	for _, h := range holds {
		h.Release()
	}
}

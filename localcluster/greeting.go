package localcluster

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/worker"
)

// greetings is the beginning of a module: new owners of tasks greet each other, and a
// tree that is begun before its tasks have heard that runs again.
type greetings struct {
	tasks int
	next  *worker.Hooks // who else wants to hear; may be nil

	over   atomic.Bool
	done   chan struct{}
	mu     sync.Mutex
	owners map[*worker.Owner]*runtime.Status
}

// How long the greetings take at most: where a network has lost one nothing is wrong,
// but that a tree may run again. Their number grows with the square of the tasks: above
// greetingTasksMax they are not counted, and a pause is what they get.
const (
	greetingMost     = time.Second
	greetingTasksMax = 64
	greetingPause    = 100 * time.Millisecond
)

func greet(tasks int, next *worker.Hooks) *greetings {
	return &greetings{tasks: tasks, next: next, done: make(chan struct{}), owners: map[*worker.Owner]*runtime.Status{}}
}

// await waits until all owners have greeted each other.
func (g *greetings) await(ctx context.Context) error {
	defer g.over.Store(true)
	most := greetingMost
	if g.tasks > greetingTasksMax {
		most = greetingPause
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-g.done:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// hooks hear how it goes, and pass on what they hear.
func (g *greetings) hooks() *worker.Hooks {
	h := &worker.Hooks{Stepped: func(o *worker.Owner) {
		if !g.over.Load() {
			g.stepped(o)
		}
		if g.next != nil && g.next.Stepped != nil {
			g.next.Stepped(o)
		}
	}}
	if g.next != nil {
		h.Began = g.next.Began
	}
	h.Ended = func(o *worker.Owner, crashed bool) {
		g.mu.Lock()
		delete(g.owners, o)
		g.mu.Unlock()
		if g.next != nil && g.next.Ended != nil {
			g.next.Ended(o, crashed)
		}
	}
	return h
}

func (g *greetings) stepped(o *worker.Owner) {
	if g.tasks > greetingTasksMax {
		return
	}
	s := o.Status()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owners[o] = &s
	if g.complete() && !g.over.Swap(true) {
		close(g.done)
	}
}

// complete reports whether every task has dealt with all that the others have sent.
func (g *greetings) complete() bool {
	if len(g.owners) < g.tasks {
		return false
	}
	for _, to := range g.owners {
		if !to.Running {
			return false
		}
		for _, from := range g.owners {
			if from.Task == to.Task || from.Sent == nil {
				continue
			}
			if h := to.Heard[from.Task]; h.Token != from.Head.Token || h.Number != from.Sent[to.Task] {
				return false
			}
		}
	}
	return true
}

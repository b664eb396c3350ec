package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/coppice-run/coppice/task"
)

// Health is how the tasks of a worker are, for whoever decides whether it gets work and
// whether it is started anew: a readiness probe, a load balancer.
type Health struct {
	Modules []ModuleHealth // by name
	// Leaving: the worker is being stopped, and its tasks pass to others.
	Leaving bool
}

// ModuleHealth is how the tasks are that a worker owns of a module.
type ModuleHealth struct {
	Module string
	Owned  int // tasks that this worker is to run
	// Waiting are those that have not come to run yet, Silent those that took nothing out
	// of their mailbox while it was asked, and Halted those that stand still until somebody
	// mends what they say.
	Waiting, Silent []task.ID
	Halted          []HaltedTask
}

// HaltedTask is a task that stands still, and why.
type HaltedTask struct {
	Task task.ID
	Why  error
}

// Health asks every task of this worker: those move that answer before ctx ends, so give
// it a second or so. A worker that owns no task, since others have them all, is healthy.
func (w *Worker) Health(ctx context.Context) Health {
	h := Health{Leaving: w.isLeaving.Load()}
	for _, l := range w.all() {
		h.Modules = append(h.Modules, l.health(ctx))
	}
	slices.SortFunc(h.Modules, func(a, b ModuleHealth) int { return cmp.Compare(a.Module, b.Module) })
	return h
}

func (l *loaded) health(ctx context.Context) ModuleHealth {
	h := ModuleHealth{Module: l.plan.Module}
	var group sync.WaitGroup
	var mu sync.Mutex
	l.each(func(d *driver) {
		h.Owned++
		if halt := d.halted.Load(); halt != nil {
			h.Halted = append(h.Halted, HaltedTask{d.id, *halt})
			return
		}
		select {
		case <-d.ready:
		default:
			h.Waiting = append(h.Waiting, d.id)
			return
		}
		group.Go(func() {
			if _, err := d.status(ctx); err != nil {
				mu.Lock()
				h.Silent = append(h.Silent, d.id)
				mu.Unlock()
			}
		})
	})
	group.Wait()
	slices.Sort(h.Silent)
	return h
}

// Ready is nil where the worker can be given work: it is not leaving, and all its tasks
// run and move. The error tells each task that does not.
func (h Health) Ready() error {
	var problems []error
	if h.Leaving {
		problems = append(problems, errors.New("the worker is leaving: its tasks pass to others"))
	}
	for _, m := range h.Modules {
		if len(m.Waiting) > 0 {
			problems = append(problems, fmt.Errorf("module %s: tasks %v have not come to run yet", m.Module, m.Waiting))
		}
		if len(m.Silent) > 0 {
			problems = append(problems, fmt.Errorf("module %s: tasks %v do not move", m.Module, m.Silent))
		}
		for _, t := range m.Halted {
			problems = append(problems, fmt.Errorf("module %s task %d has halted: %w", m.Module, t.Task, t.Why))
		}
	}
	return errors.Join(problems...)
}

package module

import (
	"context"
	"fmt"
	"sync"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/task"
)

// Limits of a run.
const (
	// askedDepth is how deep queries may ask queries.
	askedDepth = 100
	// askedAtOnce is how many parts of a run may be under way at the same time.
	askedAtOnce = 32
)

// Asked is one run of a query, or a part of it. It is a pstate.Reader of what is
// committed: of each task at its own moment, of this module and of those that it mirrors.
type Asked struct {
	ctx   context.Context
	depth int // of queries that ask queries
	tasks int
	views Views
	view  *overlay.View
	room  chan struct{} // taken by parts that run beside their run
}

// TaskID numbers the tasks of a module from 0 on.
type TaskID = task.ID

// Views makes the views of a run. For who runs queries.
type Views interface {
	// At is a view of what is committed, of one task's partitions, or, with task.None,
	// of the partition of each key.
	At(ctx context.Context, id task.ID) *overlay.View
	Tasks() int
	// It asks the queries of other modules.
	Asker
}

// RunQuery answers a question: for workers. The error is the query's own.
func RunQuery(ctx context.Context, p *QueryPlan, views Views, argument []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	return p.Run(newAsked(ctx, views), argument)
}

// StateView makes a run a pstate.Reader.
func (a *Asked) StateView() *overlay.View { return a.view }

// Context ends with the run's time, and when its asker has gone.
func (a *Asked) Context() context.Context { return a.ctx }

// Tasks is how many tasks the module has.
func (a *Asked) Tasks() int { return a.tasks }

// at is a part of the run.
func (a *Asked) at(ctx context.Context, id task.ID) *Asked {
	part := *a
	part.ctx, part.view = ctx, a.views.At(ctx, id)
	return &part
}

// deeper is the run of a query that this one asks.
func (a *Asked) deeper(p *QueryPlan) (*Asked, error) {
	if a.depth == askedDepth {
		return nil, fmt.Errorf("query %s.%s: asked %d queries deep: it may ask itself for ever", p.Module, p.Name, askedDepth)
	}
	inner := a.at(a.ctx, task.None)
	inner.depth++
	return inner, nil
}

// Each runs f for each key, up to 32 at a time within one question, and returns what they
// return in the order of the keys. The first error ends the others' contexts, and is
// returned when all have ended. Each part reads with the reader that it is handed.
func Each[K, V any](a *Asked, keys []K, f func(*Asked, K) (V, error)) ([]V, error) {
	ctx, cancel := context.WithCancelCause(a.ctx)
	defer cancel(nil)
	out := make([]V, len(keys))
	run := func(i int) {
		v, err := part(a.at(ctx, task.None), keys[i], f)
		if err != nil {
			cancel(err)
		}
		out[i] = v
	}
	var group sync.WaitGroup
	for i := range keys {
		if ctx.Err() != nil {
			break
		}
		select {
		case a.room <- struct{}{}:
			group.Go(func() {
				defer func() { <-a.room }()
				run(i)
			})
		default: // as many as may be are under way: this one runs here
			run(i)
		}
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return out, nil
}

// part runs one part, and returns a panic as its error.
func part[K, V any](a *Asked, k K, f func(*Asked, K) (V, error)) (v V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f(a, k)
}

// EachTask runs f once for each task of the module, as Each does; the reader that it is
// handed reads that task's partitions, also what has no key: lengths and ranges of whole
// PStates.
func EachTask[V any](a *Asked, f func(*Asked, TaskID) (V, error)) ([]V, error) {
	ids := make([]task.ID, a.tasks)
	for i := range ids {
		ids[i] = task.ID(i)
	}
	return Each(a, ids, func(part *Asked, id task.ID) (V, error) { return f(part.at(part.ctx, id), id) })
}

// Gather folds what the parts of a query returned; zero is where it begins.
func Gather[V, R any](values []V, zero R, fold func(R, V) R) R {
	for _, v := range values {
		zero = fold(zero, v)
	}
	return zero
}

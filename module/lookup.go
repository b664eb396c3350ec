package module

import (
	"context"
	"errors"

	"github.com/coppice-run/coppice/task"
)

// DeclareLookup declares a read of what is committed elsewhere: of PStates of other
// modules ([Builder.MirrorPState]), of those of this module on other tasks, and of queries of
// both ([Query.Within]). It is a call ([DeclareCall]) whose function is handed a reader: f
// runs beside the task, which goes on meanwhile, and what it returns goes as an event to the
// step *then. Start begins it; what f gets is all that it knows of the event.
//
// So a lookup ends the event (16.04): what it reads is of a later moment than what the
// event before it has read, and of an earlier one than what the step behind it reads. A
// record that is tried again may read something else (14.09). An error of f has the record,
// in an exactly-once stream the lookup alone, be tried again; Reject and Park end it.
func DeclareLookup[In, Out any](s *Stream, c *Call[In], name string, f func(*Asked, In) (Out, error), then *Step[Out]) {
	if f == nil {
		DeclareCall[In, Out](s, c, name, nil, then)
		return
	}
	DeclareCall(s, c, name, func(ctx context.Context, in In) (out Out, err error) {
		asked, err := AskedIn(ctx)
		if err != nil {
			return out, err
		}
		return f(asked, in)
	}, then)
}

// ErrNoViews: the context is not that of a call which a worker makes.
var ErrNoViews = errors.New("the context is not that of a call that a worker makes: there is nothing to read from")

// AskedIn is the reader for the function of a call, by its context: for calls that are declared by
// DeclareCall or in a dataflow. It ends with the context. Errors: ErrNoViews.
func AskedIn(ctx context.Context) (*Asked, error) {
	views, ok := ctx.Value(viewsKey{}).(Views)
	if !ok {
		return nil, ErrNoViews
	}
	return newAsked(ctx, views), nil
}

type viewsKey struct{}

// WithViews is for the worker: the context of a call.
func WithViews(ctx context.Context, views Views) context.Context {
	return context.WithValue(ctx, viewsKey{}, views)
}

func newAsked(ctx context.Context, views Views) *Asked {
	return &Asked{ctx: ctx, views: views, tasks: views.Tasks(), view: views.At(ctx, task.None), room: make(chan struct{}, askedAtOnce)}
}

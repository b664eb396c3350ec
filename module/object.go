package module

import (
	"context"
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/task"
)

// Object is the handle of an object that each task has one of, in memory: a connection to
// another service, a model that was read from a file, a cache. It is opened when a task is
// taken and closed when it is given up; what it keeps is lost then, and what handlers do to
// it is not taken back where their event fails: what has to last belongs into a PState.
type Object[T any] struct{ o *ObjectPlan }

// ObjectPlan is a declared object.
type ObjectPlan struct {
	ID   int `json:"-"` // within the module
	Name string
	Type string

	Open  func(context.Context, ObjectPlace) (any, error) `json:"-"`
	Close func(any) error                                 `json:"-"`
}

// ObjectPlace says whose object is opened.
type ObjectPlace struct {
	Module string
	Task   task.ID
	Tasks  int
}

// DeclareObject declares an object. open makes a task's, when its worker has taken the task
// and before any event runs there; an error, or a panic, halts the task, which says why, and the
// others go on. Its context ends when the object is to be closed, so that what it starts may
// live as long. close may be nil; it is called once for each object that was opened, when the task has
// passed to another worker, has halted, or its worker stops: not where a process dies. Its
// error is logged.
//
// A task that has to take its slot again, since a connection broke, keeps its object.
// The next owner may have opened its own before this one is closed.
func DeclareObject[T any](b *Builder, o *Object[T], name string, open func(context.Context, ObjectPlace) (T, error), close func(T) error) {
	thing := b.declare("object", name, o)
	plan := &ObjectPlan{ID: len(b.plan.Objects), Name: name, Type: typeName[T]()}
	if open == nil {
		b.mistake(thing, "has no function that opens it", "pass a func(context.Context, module.ObjectPlace) ("+plan.Type+", error)")
	}
	plan.Open = func(ctx context.Context, at ObjectPlace) (any, error) { return open(ctx, at) }
	plan.Close = func(v any) error {
		if close == nil {
			return nil
		}
		mine, _ := v.(T) // a nil interface is one, too
		return close(mine)
	}
	b.plan.Objects = append(b.plan.Objects, plan)
	fill(o, Object[T]{plan})
}

// Of returns the object of the task that an event runs on. Handlers of one task run one
// after another; where they look ahead, more than once for an event.
func (o Object[T]) Of(ev *Event) T {
	h := &ev.host
	switch {
	case o.o == nil:
		h.Fail("use of an object: %w", ErrUndeclared)
	case o.o.ID >= len(h.Objects):
		h.Fail("object %q: the event's module does not have it", o.o.Name)
	default:
		v, _ := h.Objects[o.o.ID].(T)
		return v
	}
	var none T
	return none
}

// In returns the object of the task that a call to the outside belongs to, from the context
// that the call's function was given. Calls run beside each other and beside the task's events, so
// it must be safe for that; and one may be under way still when its context ends and the object
// is closed.
func (o Object[T]) In(ctx context.Context) (T, error) {
	var none T
	objects, ok := ctx.Value(objectsKey{}).([]any)
	switch {
	case o.o == nil:
		return none, fmt.Errorf("use of an object: %w", ErrUndeclared)
	case !ok || o.o.ID >= len(objects):
		return none, errors.New("object " + o.o.Name + ": the context is not that of a call of its module")
	}
	v, _ := objects[o.o.ID].(T)
	return v, nil
}

type objectsKey struct{}

// WithObjects is for the worker.
func WithObjects(ctx context.Context, objects []any) context.Context {
	if len(objects) == 0 {
		return ctx
	}
	return context.WithValue(ctx, objectsKey{}, objects)
}

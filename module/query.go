package module

import (
	"context"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/shape"
)

// Query is the handle of a question that a module answers from its PStates: a function
// with one argument and one result, which clients, the command line and other queries ask
// by its name. It runs on a worker, reads what is committed, and writes nothing.
type Query[A, R any] struct{ q *queryDecl[A, R] }

type queryDecl[A, R any] struct {
	plan     *QueryPlan
	argument codec.Codec[A]
	result   codec.Codec[R]
	run      func(*Asked, A) (R, error)
	foreign  bool // it is a mirror
}

// QueryPlan is a declared query.
type QueryPlan struct {
	Module   string `json:"-"`
	Name     string
	Argument string        // its type
	Result   string        // its type
	Timeout  time.Duration `json:",omitempty"` // of one run
	// ArgumentShape and ResultShape are their forms, as far as they are known.
	ArgumentShape *shape.Shape `json:",omitempty"`
	ResultShape   *shape.Shape `json:",omitempty"`
	// Run answers an argument in its stored form with a result in its.
	Run func(*Asked, []byte) ([]byte, error) `json:"-"`
}

// queryTimeout is the default of QueryTimeout.
const queryTimeout = 10 * time.Second

// QueryOption changes a query.
type QueryOption func(*QueryPlan)

// QueryTimeout bounds how long a run of the query may take, the queries that it asks
// included. Default 10 s. An asker's own deadline counts where it is earlier.
func QueryTimeout(d time.Duration) QueryOption { return func(p *QueryPlan) { p.Timeout = d } }

// DeclareQuery declares a query. f runs once for each question, several at a time, and
// may ask several tasks or keys at once by Each and EachTask. It keeps what it computes
// on the way in Go's own variables: they live as long as the run. An error of f, also a
// panic, is the asker's.
//
// Arguments and results travel as JSON.
func DeclareQuery[A, R any](b *Builder, q *Query[A, R], name string, f func(*Asked, A) (R, error), options ...QueryOption) {
	thing := b.declare("query", name, q)
	argument, err := codec.JSON[A]()
	if err != nil {
		b.mistake(thing, err.Error(), "what a query is asked with must survive a process boundary")
	}
	result, err := codec.JSON[R]()
	if err != nil {
		b.mistake(thing, err.Error(), "what a query answers must survive a process boundary")
	}
	if f == nil {
		b.mistake(thing, "has no function", "pass a func(*module.Asked, "+typeName[A]()+") ("+typeName[R]()+", error)")
	}
	decl := &queryDecl[A, R]{argument: argument, result: result, run: f}
	decl.plan = &QueryPlan{Module: b.plan.Module, Name: name, Argument: typeName[A](), Result: typeName[R](), Timeout: queryTimeout, Run: decl.answer, ArgumentShape: argument.Shape, ResultShape: result.Shape}
	applyAll(b, thing, options, decl.plan)
	if decl.plan.Timeout <= 0 {
		b.mistake(thing, fmt.Sprintf("may take %v", decl.plan.Timeout), "give QueryTimeout a time above 0")
	}
	b.plan.Queries = append(b.plan.Queries, decl.plan)
	fill(q, Query[A, R]{decl})
}

// answer runs the query for an argument in its stored form.
func (d *queryDecl[A, R]) answer(asked *Asked, raw []byte) ([]byte, error) {
	var argument A
	if err := d.argument.Decode(raw, &argument); err != nil {
		return nil, &ArgumentError{Module: d.plan.Module, Query: d.plan.Name, Type: d.plan.Argument, Cause: err}
	}
	result, err := d.guarded(asked, argument)
	if err != nil {
		return nil, err
	}
	out, err := d.result.Append(nil, &result)
	if err != nil {
		return nil, fmt.Errorf("the result does not encode: %w", err)
	}
	return out, nil
}

// guarded runs the function, and returns a panic as its error.
func (d *queryDecl[A, R]) guarded(asked *Asked, argument A) (result R, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return d.run(asked, argument)
}

// ArgumentError: a query was asked with something that is no argument of it.
type ArgumentError struct {
	Module, Query string
	Type          string // that the query wants
	Cause         error
}

func (e *ArgumentError) Error() string {
	return fmt.Sprintf("query %s.%s: the argument is no %s: %v", e.Module, e.Query, e.Type, e.Cause)
}
func (e *ArgumentError) Unwrap() error { return e.Cause }

// Asker asks modules; a client is one.
type Asker interface {
	SendQuestion(context.Context, Question) ([]byte, error)
}

// Ask asks the module that runs, and returns its answer. Errors: those of the asker, and
// ErrUndeclared.
func (q Query[A, R]) Ask(ctx context.Context, a Asker, argument A) (result R, err error) {
	if q.q == nil {
		return result, ErrUndeclared
	}
	if ctx == nil || a == nil {
		return result, fmt.Errorf("query %s.%s: the context or the asker is nil; ask with a client", q.q.plan.Module, q.q.plan.Name)
	}
	raw, err := q.q.argument.Append(nil, &argument)
	if err != nil {
		return result, fmt.Errorf("query %s.%s: the argument does not encode: %w", q.q.plan.Module, q.q.plan.Name, err)
	}
	out, err := a.SendQuestion(ctx, Question{Module: q.q.plan.Module, Query: q.q.plan.Name, Argument: raw})
	if err != nil {
		return result, err
	}
	if err := q.q.result.Decode(out, &result); err != nil {
		return result, fmt.Errorf("query %s.%s: the answer is no %s: %w", q.q.plan.Module, q.q.plan.Name, q.q.plan.Result, err)
	}
	return result, nil
}

// Within asks the query as a part of another one, on the same worker and within the
// other's time. A query may ask itself, up to 100 deep. A query of another module
// ([MirrorQuery]) runs on a worker of that one, within the asker's time.
func (q Query[A, R]) Within(asked *Asked, argument A) (result R, err error) {
	if q.q == nil {
		return result, ErrUndeclared
	}
	if q.q.foreign {
		return q.Ask(asked.ctx, asked.views, argument)
	}
	inner, err := asked.deeper(q.q.plan)
	if err != nil {
		return result, err
	}
	return q.q.guarded(inner, argument)
}

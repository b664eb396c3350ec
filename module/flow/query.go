package flow

import (
	"context"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Query declares a query that is written as dataflow (promise 15.01): f puts operations that
// read into the block, and has the answer given with answer, which must happen once in each
// run. A run begins where the question is answered, and reads keys wherever they are; behind a
// hop it reads the task that it has hopped to, also what has no key there: ranges of whole
// PStates. What hopped apart runs at the same time, 32 ways of it within one question.
//
//	flow.Query(b, &m.Top, "top", func(b *flow.Block, most flow.Var[int], answer flow.Answer[[]Count]) {
//		flow.BatchBlock(b, "counts", func(b *flow.Block) {
//			flow.HopAll(b)
//			count := flow.LocalSelect(b, flow.Path(m.counts, most))
//			top, _ := flow.Aggregate(b, agg.Top(3, byTimes), count)
//			answer(b, top)
//		})
//	})
//
// Batch blocks are there as in microbatches: GroupBy, Aggregate, Join, Materialize. What they
// gather is kept in memory, by the worker that answers. A query writes nothing: operations that do,
// and those that need an event, are mistakes. It is a module.Query like others: see
// module.DeclareQuery for its time and its errors.
func Query[A, R any](b *module.Builder, q *module.Query[A, R], name string, f func(b *Block, argument Var[A], answer Answer[R]), options ...module.QueryOption) {
	front, of := module.QueryFront(b, name)
	where := line()
	if f == nil {
		front.Declare(where, func() {
			front.Mistake(fmt.Sprintf("flow.Query %q", name), "has no function", "pass a func(*flow.Block, flow.Var["+typeName[A]()+"], flow.Answer["+typeName[R]()+"])")
		})
		return
	}
	g := &graph{front: front, of: of, query: true, source: name}
	n := &node{flow: g, verb: "Query", text: name + ": " + typeName[A](), line: where, next: make([][]*node, 1), labels: make([]string, 1)}
	n.simply(func(*run) error { return nil })
	g.nodes = []*node{n}
	block := &Block{flow: g, at: at{outlets: []outlet{{n, 0}}}}
	argument := result[A](block, n)

	answers := 0
	f(block, argument, func(b *Block, value Expr[R]) {
		answers++
		n := b.put("Answer", text(value), 0, value)
		n.do = func(x *run) error {
			r := value.eval(x)
			x.keep(func(q *asking) {
				q.answer = &r
				q.answers++
			})
			return nil
		}
	})
	if answers == 0 {
		n.mistake("gives no answer", "call answer where it is known")
	}
	g.finish()

	var plan *module.QueryPlan
	front.Declare(where, func() {
		module.DeclareQuery(b, q, name, func(a *module.Asked, argued A) (r R, err error) {
			answer, err := g.ask(a, func(x *run) { argument.set(x, argued) })
			if err != nil {
				return r, err
			}
			return *answer.(*R), nil
		}, append(slices.Clone(options), func(p *module.QueryPlan) { plan = p })...)
	})
	if plan != nil {
		plan.Flow = g.plan()
	}
}

// Answer gives the answer of a query: see Query.
type Answer[R any] func(b *Block, value Expr[R])

// refused are the operations that queries do not have, and why.
var refused = map[string][2]string{
	"Do1": needsEvent, "Do2": needsEvent, "Try1": needsEvent, "Try2": needsEvent,
	"Set": writes, "Update": writes, "Delete": writes, "Agg": writes, "CompoundAgg": writes, "CompoundBy": writes,
	"LocalSet": writes, "LocalTransform": writes, "LocalDelete": writes,
	"Append": writes, "AppendTo": writes, "Write": writes, "Send": writes,
	"AckReturn": {"returns to an appender, which a query has not", "give the answer with answer"},
	"EachAsync": {"calls the outside from a query", "take flow.Read1, with a function that calls"},
}

var (
	needsEvent = [2]string{"needs an event, which a query has not", "take flow.Each, or flow.Read1 to read PStates"}
	writes     = [2]string{"writes, in a query", "queries read: leave it to a stream or a microbatch topology"}
)

// inQuery says what queries do not have.
func (n *node) inQuery(event bool) {
	if why, not := refused[n.verb]; not {
		n.mistake(why[0], why[1])
	} else if event {
		n.mistake(needsEvent[0], "leave flow.F0 out")
	}
}

// checked has a placement checked that a query uses: steps check theirs.
func (g *graph) checked(n *node, check func(module.Topology) (text, mend string)) {
	if !g.query {
		return
	}
	g.front.Declare(n.line, func() {
		g.front.Check(func() {
			if text, mend := check(g.of); text != "" {
				g.front.Mistake("flow."+n.verb, text, mend)
			}
		})
	})
}

// placed is where a placement puts keys, in a query.
func placed[K any](g *graph, n *node, at module.Placement[K]) func(*module.Event, K) module.TaskID {
	place, check := module.Placed(at)
	g.checked(n, check)
	return place
}

// Read1 calls a function that reads PStates, in a topology or a query. Its error fails the
// event, or the query.
func Read1[A, T any](b *Block, f func(pstate.Reader, A) (T, error), a Expr[A]) Var[T] {
	n := b.put("Read1", callText(f, a), 1, a)
	n.needs(f == nil, "func(pstate.Reader, "+typeName[A]()+") ("+typeName[T]()+", error)")
	v := result[T](b, n)
	n.simply(func(x *run) error {
		value, err := f(x.reader, a.eval(x))
		v.set(x, value)
		return err
	})
	return v
}

// Read2 is Read1 with two arguments.
func Read2[A, B, T any](b *Block, f func(pstate.Reader, A, B) (T, error), first Expr[A], second Expr[B]) Var[T] {
	n := b.put("Read2", callText(f, first, second), 1, first, second)
	n.needs(f == nil, "func(pstate.Reader, "+typeName[A]()+", "+typeName[B]()+") ("+typeName[T]()+", error)")
	v := result[T](b, n)
	n.simply(func(x *run) error {
		value, err := f(x.reader, first.eval(x), second.eval(x))
		v.set(x, value)
		return err
	})
	return v
}

// InvokeQuery asks a query of the module, or a mirrored one (promise 11.18). In a query it is a part of that: on
// the same worker, within its time. In a stream it is a call to the outside, see EachAsync:
// the flow goes on with the answer as an event of its own, on the same task, and sees what is
// committed; an answer that does not come fails the event.
func InvokeQuery[A, R any](b *Block, q *module.Query[A, R], argument Expr[A], options ...HopOption) Var[R] {
	if !b.flow.query {
		return EachAsync(b, func(ctx context.Context, a A) (r R, err error) {
			asked, err := module.AskedIn(ctx)
			if err != nil {
				return r, err
			}
			return q.Within(asked, a)
		}, argument, options...)
	}
	n := b.put("InvokeQuery", text(argument), 1, argument)
	v := result[R](b, n)
	n.simply(func(x *run) error {
		answer, err := q.Within(x.part, argument.eval(x))
		v.set(x, answer)
		return err
	})
	return v
}

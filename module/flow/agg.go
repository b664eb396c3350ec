package flow

import (
	"cmp"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Aggregator says how a value in a PState takes in what the flow brings.
type Aggregator[T any] struct {
	text  string
	reads []looker
	take  func(x *run, place pstate.Value[T]) T
}

// Count adds one.
func Count[N agg.Number]() Aggregator[N] {
	return Aggregator[N]{"count", nil, func(x *run, place pstate.Value[N]) N { return agg.Inc(x.ev, place) }}
}

// Sum adds a number.
func Sum[N agg.Number](n Expr[N]) Aggregator[N] {
	return Aggregator[N]{"sum of " + text(n), []looker{n}, func(x *run, place pstate.Value[N]) N { return agg.Add(x.ev, place, n.eval(x)) }}
}

// Min keeps the smaller one.
func Min[N cmp.Ordered](n Expr[N]) Aggregator[N] {
	return Aggregator[N]{"min of " + text(n), []looker{n}, func(x *run, place pstate.Value[N]) N { return agg.Min(x.ev, place, n.eval(x)) }}
}

// Max keeps the larger one.
func Max[N cmp.Ordered](n Expr[N]) Aggregator[N] {
	return Aggregator[N]{"max of " + text(n), []looker{n}, func(x *run, place pstate.Value[N]) N { return agg.Max(x.ev, place, n.eval(x)) }}
}

// Combine takes a value in by a combiner, such as agg.Last; where nothing is yet the
// combiner's Zero is, or the value starts.
func Combine[T any](c agg.Combiner[T], value Expr[T]) Aggregator[T] {
	a := Aggregator[T]{text: "combined with " + text(value), reads: []looker{value}}
	if c.Combine == nil {
		return a
	}
	a.take = func(x *run, place pstate.Value[T]) T {
		next := value.eval(x)
		have, there, err := place.Lookup(x.ev)
		switch {
		case err != nil:
			return have // the event has failed
		case there:
			next = c.Combine(have, next)
		case c.Zero != nil:
			next = c.Combine(c.Zero(), next)
		}
		place.Set(x.ev, next)
		return next
	}
	return a
}

// By takes a value in by any aggregator of package agg, or one of your own: what becomes void
// is removed (promise 13.04).
//
//	flow.Agg(b, flow.Key(&m.Tags, user), flow.By(agg.MultiSet[string](), tag))
func By[V, A any](by agg.Aggregator[V, A], value Expr[V]) Aggregator[A] {
	a := Aggregator[A]{text: "aggregated with " + text(value), reads: []looker{value}}
	if by != nil && by.Accumulator().Valid() {
		a.take = func(x *run, place pstate.Value[A]) A { return agg.Into(x.ev, place, by, value.eval(x)) }
	}
	return a
}

// Accumulate takes a value of another type in; where nothing is yet it begins with zero.
func Accumulate[T, A any](f func(have T, a A) T, a Expr[A]) Aggregator[T] {
	g := Aggregator[T]{text: callText(f, a), reads: []looker{a}}
	if f != nil {
		g.take = func(x *run, place pstate.Value[T]) T {
			by := a.eval(x)
			return place.Update(x.ev, func(have T) T { return f(have, by) })
		}
	}
	return g
}

// Agg aggregates into a value of a PState, and gives its new one.
func Agg[T any](b *Block, place Expr[pstate.Value[T]], a Aggregator[T]) Var[T] {
	n := b.touches("Agg", text(place)+": "+a.text, true, append([]looker{place}, a.reads...)...)
	n.aggregates(a.take != nil)
	v := result[T](b, n)
	n.simply(func(x *run) error {
		v.set(x, a.take(x, place.eval(x)))
		return nil
	})
	return v
}

func (n *node) aggregates(how bool) {
	if !how {
		n.mistake("has an aggregator without a function", "take flow.Count, flow.Sum and so on, with all that they need")
	}
}

// Part is one value of a CompoundAgg, with its aggregator: made by Into.
type Part[H any] struct {
	text  string
	reads []looker
	take  func(x *run, h H)
}

// Into aggregates into a value beneath H: a field of fixed keys, a key of a map.
func Into[H, T any](value func(H) pstate.Value[T], a Aggregator[T]) Part[H] {
	p := Part[H]{text: a.text, reads: a.reads}
	if value != nil && a.take != nil {
		p.take = func(x *run, h H) { a.take(x, value(h)) }
	}
	return p
}

// CompoundAgg aggregates into several values beneath one place.
//
//	flow.CompoundAgg(b, flow.Key(&m.Profiles, user),
//		flow.Into(func(p Profile) pstate.Value[int] { return p.Visits }, flow.Count[int]()),
//		flow.Into(func(p Profile) pstate.Value[int64] { return p.Last }, flow.Max(time)))
func CompoundAgg[H any](b *Block, place Expr[H], parts ...Part[H]) {
	reads, words := []looker{place}, text(place)+":"
	for i, p := range parts {
		reads = append(reads, p.reads...)
		if words += " " + p.text; i < len(parts)-1 {
			words += ","
		}
	}
	n := b.touches("CompoundAgg", words, true, reads...)
	for _, p := range parts {
		n.aggregates(p.take != nil)
	}
	n.simply(func(x *run) error {
		h := place.eval(x)
		for _, p := range parts {
			p.take(x, h)
		}
		return nil
	})
}

// CompoundBy aggregates into a structure level by level, as a compound of package agg says
// (promise 13.01).
//
//	flow.CompoundBy(b, flow.Of(&m.Watched), agg.Under(Film.user, agg.Key(Film.title, agg.Leaf(agg.Count[Film]()))), film)
func CompoundBy[H, T any](b *Block, place Expr[H], by agg.Compound[H, T], value Expr[T]) {
	n := b.touches("CompoundBy", text(place)+" with "+text(value), true, place, value)
	n.aggregates(by != nil)
	n.simply(func(x *run) error {
		by(x.ev, place.eval(x), value.eval(x))
		return nil
	})
}

// AckReturn returns a value to the appender, as module.Ack does.
func AckReturn[T any](b *Block, ack module.Ack[T], value Expr[T]) {
	n := b.put("AckReturn", text(value), 1, value)
	if ack == (module.Ack[T]{}) {
		n.mistake("returns an ack that is not declared", "declare it before the source: module.DeclareAck")
	}
	n.simply(func(x *run) error {
		ack.Return(x.ev, value.eval(x))
		return nil
	})
}

// Package agg holds aggregators: how many values become one. The same ones serve the
// acks of streams (module.DeclareAck), PStates (Into, and Compound for nested ones) and
// the batch blocks of microbatches (module.GroupBy, module.Aggregate).
//
//	Sum, Count, Smallest, Largest, And, Or, First, Last      one value
//	Set, SetRemove, MultiSet, Map, List, Merge               collections in one value
//	Avg, Top, TopMonotonic, Limit                            what batch blocks give out
//
// Two kinds of values are aggregators: a [Combiner] makes a T of two, an [Accumulator]
// takes values of one type into a result of another. Yours are values like the built-in
// ones; package agg/aggtest checks their laws in your tests.
//
// Inc, Add, Min and Max are short forms for PStates.
package agg

import (
	"cmp"

	"github.com/coppice-run/coppice/pstate"
)

// Number is any integer or floating-point type.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Inc adds one and returns the new value; count is Inc on each record.
func Inc[N Number](w pstate.Writer, v pstate.Value[N]) N {
	return v.Update(w, func(n N) N { return n + 1 })
}

// Add adds by and returns the new value.
func Add[N Number](w pstate.Writer, v pstate.Value[N], by N) N {
	return v.Update(w, func(n N) N { return n + by })
}

// Min keeps the smaller of the stored value, if there is one, and n.
func Min[N cmp.Ordered](w pstate.Writer, v pstate.Value[N], n N) N {
	return keep(w, v, n, func(have N) bool { return n < have })
}

// Max keeps the larger of the stored value, if there is one, and n.
func Max[N cmp.Ordered](w pstate.Writer, v pstate.Value[N], n N) N {
	return keep(w, v, n, func(have N) bool { return n > have })
}

func keep[N any](w pstate.Writer, v pstate.Value[N], n N, better func(N) bool) N {
	have, ok, err := v.Lookup(w)
	if err != nil || ok && !better(have) {
		return have
	}
	v.Set(w, n)
	return n
}

// Into aggregates x into a value of a PState and returns the new one. A value that is
// not there yet begins as the aggregator says: no PState needs a first value. One that
// has become void is removed (promise 13.04).
func Into[V, A any](w pstate.Writer, v pstate.Value[A], by Aggregator[V, A], x V) A {
	a := by.Accumulator()
	have, there, err := v.Lookup(w)
	if err != nil {
		return have // the event fails
	}
	if there {
		have = a.Add(have, x)
	} else {
		have = a.First(x)
	}
	if a.IsVoid(have) {
		v.Delete(w)
		return have
	}
	v.Set(w, have)
	return have
}

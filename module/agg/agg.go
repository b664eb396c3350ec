// Package agg holds aggregators: how values become one, in PStates (Inc, Add,
// Min, Max) and in acks (combiners).
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
func Inc[N Number](w pstate.Writer, v pstate.Value[N]) N { return Add(w, v, 1) }

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

// Combiner makes one value of many: Combine is associative. Zero, if set, gives
// the start value; without it the first value starts.
type Combiner[T any] struct {
	Zero    func() T
	Combine func(a, b T) T
}

// Start returns the combiner with a start value.
func (c Combiner[T]) Start(zero T) Combiner[T] {
	c.Zero = func() T { return zero }
	return c
}

// Last keeps the value that arrives last; the default of ack returns
// (promise 3.77).
func Last[T any]() Combiner[T] { return Combiner[T]{Combine: func(_, b T) T { return b }} }

// First keeps the value that arrives first.
func First[T any]() Combiner[T] { return Combiner[T]{Combine: func(a, _ T) T { return a }} }

// Sum adds the values up.
func Sum[N Number]() Combiner[N] { return Combiner[N]{Combine: func(a, b N) N { return a + b }} }

// Smallest keeps the smallest value.
func Smallest[N cmp.Ordered]() Combiner[N] {
	return Combiner[N]{Combine: func(a, b N) N { return min(a, b) }}
}

// Largest keeps the largest value.
func Largest[N cmp.Ordered]() Combiner[N] {
	return Combiner[N]{Combine: func(a, b N) N { return max(a, b) }}
}

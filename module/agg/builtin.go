package agg

import (
	"cmp"
)

// Last keeps the value that arrives last; the default of ack returns
// (promise 3.77).
func Last[T any]() Combiner[T] { return Combiner[T]{Combine: func(_, b T) T { return b }} }

// First keeps the value that arrives first.
func First[T any]() Combiner[T] { return Combiner[T]{Combine: func(a, _ T) T { return a }} }

// Sum adds the values up; of none it is 0. Sums of floating-point numbers hang on the
// order a little: adding them is not associative.
func Sum[N Number]() Combiner[N] {
	return Combiner[N]{Zero: zero[N], Combine: func(a, b N) N { return a + b }}
}

// Smallest keeps the smallest value.
func Smallest[N cmp.Ordered]() Combiner[N] {
	return Combiner[N]{Combine: func(a, b N) N { return min(a, b) }}
}

// Largest keeps the largest value.
func Largest[N cmp.Ordered]() Combiner[N] {
	return Combiner[N]{Combine: func(a, b N) N { return max(a, b) }}
}

// And is true unless one of the values is false.
func And() Combiner[bool] {
	return Combiner[bool]{Zero: func() bool { return true }, Combine: func(a, b bool) bool { return a && b }}
}

// Or is false unless one of the values is true.
func Or() Combiner[bool] {
	return Combiner[bool]{Zero: zero[bool], Combine: func(a, b bool) bool { return a || b }}
}

// Count counts the values, whatever they are; of none it is 0.
func Count[V any]() Accumulator[V, int64] {
	return Accumulator[V, int64]{
		Zero: zero[int64], Add: func(n int64, _ V) int64 { return n + 1 }, Merge: func(a, b int64) int64 { return a + b },
	}
}

// Mean is a mean that goes on: what Avg gathers.
type Mean struct {
	Sum   float64
	Count int64
}

// Value is the mean; 0 of no values.
func (m Mean) Value() float64 {
	if m.Count == 0 {
		return 0
	}
	return m.Sum / float64(m.Count)
}

// Avg takes the mean of the values.
func Avg[N Number]() Accumulator[N, Mean] {
	return Accumulator[N, Mean]{
		Zero:  zero[Mean],
		Add:   func(m Mean, v N) Mean { return Mean{m.Sum + float64(v), m.Count + 1} },
		Merge: func(a, b Mean) Mean { return Mean{a.Sum + b.Sum, a.Count + b.Count} },
	}
}

func zero[T any]() (none T) { return none }

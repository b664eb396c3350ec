package agg

import (
	"cmp"
	"slices"
)

// Top keeps the n values that come first by an order, in that order: compare is negative
// where a goes before b, so the largest numbers are Top(n, func(a, b int) int { return b - a }).
// Of equal values the earlier ones are kept. At every moment the list is sorted and
// exact. Of none it is empty.
func Top[T any](n int, compare func(a, b T) int) Accumulator[T, []T] {
	return Accumulator[T, []T]{
		Zero: func() []T { return []T{} },
		Add:  func(list []T, v T) []T { return insert(list, n, compare, v) },
		Merge: func(a, b []T) []T {
			for _, v := range b {
				a = insert(a, n, compare, v)
			}
			return a
		},
	}
}

// insert puts a value into a sorted list of at most n.
func insert[T any](list []T, n int, compare func(a, b T) int, v T) []T {
	at, _ := slices.BinarySearchFunc(list, v, func(have, v T) int {
		if compare(have, v) <= 0 {
			return -1 // behind its equals
		}
		return 1
	})
	if at >= n {
		return list
	}
	if len(list) >= n {
		list = list[:n-1]
	}
	return slices.Insert(list, at, v)
}

// TopMonotonic keeps the n things that come first by an order, where a thing may come
// again with another value, which then counts: id says which values are of one thing. It
// is exact if what comes again goes only further to the front, as counts do that grow:
// what falls back can hide another that was dropped before. For values that go both
// ways there is Ranking.
//
// It gathers up to 2n values, then sorts and drops; a batch block gives out the n first,
// sorted, and a PState may show the list in between (promise 13.11).
func TopMonotonic[T any, ID comparable](n int, id func(T) ID, compare func(a, b T) int) Accumulator[T, []T] {
	cut := func(list []T) []T {
		slices.SortStableFunc(list, compare)
		return list[:min(n, len(list))]
	}
	add := func(list []T, v T) []T {
		if at := slices.IndexFunc(list, func(have T) bool { return id(have) == id(v) }); at >= 0 {
			list = slices.Delete(list, at, at+1)
		}
		if list = append(list, v); len(list) > 2*n {
			list = cut(list)
		}
		return list
	}
	return Accumulator[T, []T]{
		Zero: func() []T { return []T{} },
		Add:  add,
		Merge: func(a, b []T) []T {
			for _, v := range b {
				a = add(a, v)
			}
			return a
		},
		Finish: cut,
	}
}

// Limit keeps n of the values, the first ones that arrive: which those are is not said
// where they come from several tasks. For the first ones by an order there is Top.
func Limit[T any](n int) Accumulator[T, []T] {
	return Accumulator[T, []T]{
		Zero: func() []T { return []T{} },
		Add: func(list []T, v T) []T {
			if len(list) < n {
				list = append(list, v)
			}
			return list
		},
		Merge: func(a, b []T) []T { return append(a, b[:min(len(b), max(n-len(a), 0))]...) },
	}
}

// Descending compares by what a function takes out of the values, the largest first.
func Descending[T any, N cmp.Ordered](by func(T) N) func(a, b T) int {
	return func(a, b T) int { return cmp.Compare(by(b), by(a)) }
}

// Ascending compares by what a function takes out of the values, the smallest first.
func Ascending[T any, N cmp.Ordered](by func(T) N) func(a, b T) int {
	return func(a, b T) int { return cmp.Compare(by(a), by(b)) }
}

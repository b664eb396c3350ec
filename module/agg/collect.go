package agg

import "maps"

// The aggregators below keep a collection in one value, which is read and written as a
// whole. For large collections take the structures of PStates, with Compound.

// Set is the set of the values; of none it is nil. SetRemove is its opposite.
func Set[T comparable]() Accumulator[T, map[T]struct{}] {
	return Accumulator[T, map[T]struct{}]{
		Zero: zero[map[T]struct{}],
		Add: func(set map[T]struct{}, v T) map[T]struct{} {
			set = made(set)
			set[v] = struct{}{}
			return set
		},
		Merge: merge[T, struct{}],
		Grows: true,
	}
}

// SetRemove takes the values out of a set; nothing is left of one that is empty.
func SetRemove[T comparable]() Accumulator[T, map[T]struct{}] {
	return Accumulator[T, map[T]struct{}]{
		Zero: zero[map[T]struct{}],
		Add:  func(set map[T]struct{}, v T) map[T]struct{} { delete(set, v); return set },
		Void: func(set map[T]struct{}) bool { return len(set) == 0 },
	}
}

// MultiSet counts how often each value came; of none it is nil.
func MultiSet[T comparable]() Accumulator[T, map[T]int64] {
	return Accumulator[T, map[T]int64]{
		Zero: zero[map[T]int64],
		Add: func(counts map[T]int64, v T) map[T]int64 {
			counts = made(counts)
			counts[v]++
			return counts
		},
		Merge: func(a, b map[T]int64) map[T]int64 {
			if a = made(a); len(b) > 0 {
				for v, n := range b {
					a[v] += n
				}
			}
			return emptied(a)
		},
		Grows: true,
	}
}

// Pair is a key with a value.
type Pair[K, V any] struct {
	Key K
	Val V
}

// Map keeps the last value of each key; of none it is nil.
func Map[K comparable, V any]() Accumulator[Pair[K, V], map[K]V] {
	return Accumulator[Pair[K, V], map[K]V]{
		Zero: zero[map[K]V],
		Add: func(m map[K]V, p Pair[K, V]) map[K]V {
			m = made(m)
			m[p.Key] = p.Val
			return m
		},
		Merge: merge[K, V],
		Grows: true,
	}
}

// Merge makes one map of many; of a key that several have, the last value counts. Of none
// it is nil.
func Merge[K comparable, V any]() Combiner[map[K]V] {
	return Combiner[map[K]V]{Zero: zero[map[K]V], Combine: merge[K, V], Grows: true}
}

// List is all values, in the order in which they came; of none it is empty.
func List[T any]() Accumulator[T, []T] {
	return Accumulator[T, []T]{
		Zero:  func() []T { return []T{} },
		Add:   func(list []T, v T) []T { return append(list, v) },
		Merge: func(a, b []T) []T { return append(a, b...) },
		Grows: true,
	}
}

func made[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return m
}

// emptied is nil for a map that has nothing in it: of nothing there is one form.
func emptied[K comparable, V any](m map[K]V) map[K]V {
	if len(m) == 0 {
		return nil
	}
	return m
}

func merge[K comparable, V any](a, b map[K]V) map[K]V {
	a = made(a)
	maps.Copy(a, b)
	return emptied(a)
}

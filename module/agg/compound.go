package agg

import "github.com/coppice-run/coppice/pstate"

// Compound says how values of type T are aggregated into a structure of a PState, level
// by level (promise 13.01). What is not there yet begins as the aggregators say. It is put
// together once, of the levels of the handle, and the compiler holds one against the other:
//
//	Watched pstate.MapOf[string, pstate.Map[string, int64]] // by user, by film: how often
//
//	watch := agg.Under(Film.user, agg.Key(Film.title, agg.Leaf(agg.Count[Film]())))
//	watch(ev, m.Watched, film)
//
// Within one event it is a function call: the caller is on the task that has the value's
// outermost key.
type Compound[H, T any] func(w pstate.Writer, into H, v T)

// Leaf aggregates into a value. One that becomes void is removed.
func Leaf[T, A any](by Aggregator[T, A]) Compound[pstate.Value[A], T] {
	return func(w pstate.Writer, into pstate.Value[A], v T) { Into(w, into, by, v) }
}

// Key goes to the element of a map under the key of each value.
func Key[K, V, T any](key func(T) K, inner Compound[pstate.Value[V], T]) Compound[pstate.Map[K, V], T] {
	return func(w pstate.Writer, into pstate.Map[K, V], v T) { inner(w, into.Key(key(v)), v) }
}

// SortedKey goes to the element of a sorted map under the key of each value.
func SortedKey[K, V, T any](key func(T) K, inner Compound[pstate.Value[V], T]) Compound[pstate.SortedMap[K, V], T] {
	return func(w pstate.Writer, into pstate.SortedMap[K, V], v T) { inner(w, into.Key(key(v)), v) }
}

// Under goes to the structure under the key of each value.
func Under[K any, H pstate.Handle[H], T any](key func(T) K, inner Compound[H, T]) Compound[pstate.MapOf[K, H], T] {
	return func(w pstate.Writer, into pstate.MapOf[K, H], v T) { inner(w, into.Key(key(v)), v) }
}

// Member puts a member into a set.
func Member[E, T any](member func(T) E) Compound[pstate.Set[E], T] {
	return func(w pstate.Writer, into pstate.Set[E], v T) { into.Add(w, member(v)) }
}

// SortedMember puts a member into a sorted set.
func SortedMember[E, T any](member func(T) E) Compound[pstate.SortedSet[E], T] {
	return func(w pstate.Writer, into pstate.SortedSet[E], v T) { into.Add(w, member(v)) }
}

// NoMember takes a member out of a set.
func NoMember[E, T any](member func(T) E) Compound[pstate.Set[E], T] {
	return func(w pstate.Writer, into pstate.Set[E], v T) { into.Remove(w, member(v)) }
}

// Pushed adds an element at the end of a list.
func Pushed[E, T any](element func(T) E) Compound[pstate.List[E], T] {
	return func(w pstate.Writer, into pstate.List[E], v T) { into.Push(w, element(v)) }
}

// Ranked gives a thing its score in a ranking that keeps so many; 0: all.
func Ranked[ID, S, T any](most int, rank func(T) Rank[ID, S]) Compound[Ranking[ID, S], T] {
	return func(w pstate.Writer, into Ranking[ID, S], v T) {
		r := rank(v)
		into.Put(w, r.ID, r.Score, most)
	}
}

// Field goes to one field of fixed keys.
func Field[S, H, T any](field func(S) H, inner Compound[H, T]) Compound[S, T] {
	return func(w pstate.Writer, into S, v T) { inner(w, field(into), v) }
}

// Each aggregates each value in several ways: into several fields of fixed keys.
func Each[H, T any](ways ...Compound[H, T]) Compound[H, T] {
	return func(w pstate.Writer, into H, v T) {
		for _, way := range ways {
			way(w, into, v)
		}
	}
}

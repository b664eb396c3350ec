package nav

import (
	"github.com/coppice-run/coppice/internal/place"
	"github.com/coppice-run/coppice/pstate"
)

// step makes a path of another and what it leads to from each of its ends.
func step[S, A, B, M, N any](p Path[S, A, M], from func(x *walk, a *A, next func(*spot[B]) bool) bool) Path[S, B, N] {
	return Path[S, B, N]{func(x *walk, root *spot[S], next func(*spot[B]) bool) bool {
		return p.walk(x, root, func(s *spot[A]) bool {
			_, ok := s.get(x)
			return ok && from(x, &s.value, next)
		})
	}}
}

// as is a handle as the interface that its type has. Handles are large: this one is not
// copied to the heap.
func as[I any, H any](h *H) I { return any(h).(I) }

// Key leads to the element under a key: of a Map or a SortedMap to the value, of a MapOf to
// the structure. One that is not there is zero, or empty; so Key leads to one element,
// always. An element that is only written is not read.
func Key[S, K, E, L, M any, H pstate.Mapped[K, E, M]](p Path[S, H, L], key K) Path[S, E, M] {
	return step[S, H, E, L, M](p, func(x *walk, h *H, next func(*spot[E]) bool) bool {
		return visit(x, pstate.Under(as[pstate.Mapped[K, E, M]](h), key), next)
	})
}

// Must is Key, and leads nowhere if there is no such element.
func Must[S, K, E, L, M any, H pstate.Mapped[K, E, M]](p Path[S, H, L], key K) Path[S, E, M] {
	return step[S, H, E, L, M](p, func(x *walk, h *H, next func(*spot[E]) bool) bool {
		return present(x, pstate.Under(as[pstate.Mapped[K, E, M]](h), key), next)
	})
}

// Elem leads to an element of a set, if it is there.
func Elem[S, T, L any, H pstate.Membered[T]](p Path[S, H, L], t T) Path[S, T, Value] {
	return step[S, H, T, L, Value](p, func(x *walk, h *H, next func(*spot[T]) bool) bool {
		return present(x, pstate.Member(as[pstate.Membered[T]](h), t), next)
	})
}

// present goes on if there is an element.
func present[T any](x *walk, p place.Place[T], next func(*spot[T]) bool) bool {
	value, found, err := p.Cell.Lookup(x.view)
	p.Value, p.Known, p.There, p.Of = value, true, found, x.view.Moment()
	return x.fail(err) && (!found || visit(x, p, next))
}

// Field leads to a value among fixed keys.
//
//	nav.Field(p, func(x Profile) pstate.Value[string] { return x.Name })
func Field[S, H, T, L any](p Path[S, H, L], field func(H) pstate.Value[T]) Path[S, T, Value] {
	return step[S, H, T, L, Value](p, func(x *walk, h *H, next func(*spot[T]) bool) bool {
		return visit(x, pstate.Holding(field(*h)), next)
	})
}

// In leads to a structure among fixed keys.
func In[S, H, L any, G pstate.Located](p Path[S, H, L], field func(H) G) Path[S, G, Structure] {
	return step[S, H, G, L, Structure](p, func(x *walk, h *H, next func(*spot[G]) bool) bool {
		return visit(x, pstate.Whole(field(*h)), next)
	})
}

// Nth leads to the element at an index of a list, from 0, if there is one.
func Nth[S, E, L, M any, H pstate.Indexed[E, M]](p Path[S, H, L], index int) Path[S, E, M] {
	return step[S, H, E, L, M](p, func(x *walk, h *H, next func(*spot[E]) bool) bool {
		found, ok, err := pstate.Nth(x.view, as[pstate.Indexed[E, M]](h), index)
		return x.fail(err) && (!ok || visit(x, found, next))
	})
}

// First leads to the first element of a list or a sorted set, if there is one.
func First[S, K, E, L, M any, H pstate.Elements[K, E, M]](p Path[S, H, L]) Path[S, E, M] {
	return end[S, K, E, L, M](p, false)
}

// Last leads to the last element of a list or a sorted set, if there is one.
func Last[S, K, E, L, M any, H pstate.Elements[K, E, M]](p Path[S, H, L]) Path[S, E, M] {
	return end[S, K, E, L, M](p, true)
}

func end[S, K, E, L, M any, H pstate.Elements[K, E, M]](p Path[S, H, L], last bool) Path[S, E, M] {
	return step[S, H, E, L, M](p, func(x *walk, h *H, next func(*spot[E]) bool) bool {
		more := true
		err := pstate.EndElement(x.view, as[pstate.Elements[K, E, M]](h), last, x.writing, func(found place.Place[E]) bool {
			more = visit(x, found, next)
			return false
		})
		return x.fail(err) && more
	})
}

// All leads to every element of a SortedSet, a List or a ListOf, in order, or of a part
// of one.
func All[S, K, E, L, M any, H pstate.Elements[K, E, M]](p Path[S, H, L]) Path[S, E, M] {
	return step[S, H, E, L, M](p, func(x *walk, h *H, next func(*spot[E]) bool) bool {
		more := true
		var s spot[E]
		err := pstate.EachElement(x.view, as[pstate.Elements[K, E, M]](h), x.writing, func(found place.Place[E]) bool {
			more = s.visit(x, found, next)
			return more
		})
		return x.fail(err) && more
	})
}

// MapVals leads to every value of a SortedMap, or structure of a MapOf, in the order of
// their keys, or of a part of one.
func MapVals[S, K, E, L, M any, H pstate.Entries[K, E, M]](p Path[S, H, L]) Path[S, E, M] {
	return step[S, H, E, L, M](p, func(x *walk, h *H, next func(*spot[E]) bool) bool {
		var s spot[E]
		return entries(x, as[pstate.Entries[K, E, M]](h), x.writing, func(_ K, found place.Place[E]) bool { return s.visit(x, found, next) })
	})
}

// MapKeys leads to every key of a SortedMap or a MapOf, in order, or of a part of one. The
// values of a SortedMap are read along with them.
func MapKeys[S, K, E, L, M any, H pstate.Entries[K, E, M]](p Path[S, H, L]) Path[S, K, Derived] {
	return step[S, H, K, L, Derived](p, func(x *walk, h *H, next func(*spot[K]) bool) bool {
		return entries(x, as[pstate.Entries[K, E, M]](h), false, func(key K, found place.Place[E]) bool {
			return next(derived(key, found.Of))
		})
	})
}

// MapEntries leads to every key of a SortedMap or a MapOf, in order, with the value or
// structure under it. Rama's all does so with maps.
func MapEntries[S, K, E, L, M any, H pstate.Entries[K, E, M]](p Path[S, H, L]) Path[S, pstate.Entry[K, E], Derived] {
	return step[S, H, pstate.Entry[K, E], L, Derived](p, func(x *walk, h *H, next func(*spot[pstate.Entry[K, E]]) bool) bool {
		return entries(x, as[pstate.Entries[K, E, M]](h), false, func(key K, found place.Place[E]) bool {
			return next(derived(pstate.Entry[K, E]{Key: key, Val: found.Value}, found.Of))
		})
	})
}

func entries[K, E, M any](x *walk, h pstate.Entries[K, E, M], writing bool, yield func(K, place.Place[E]) bool) bool {
	more := true
	err := pstate.EachEntry(x.view, h, writing, func(key K, found place.Place[E]) bool {
		more = yield(key, found)
		return more
	})
	return x.fail(err) && more
}

package nav

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
)

// The navigators of this file go into values, and choose among them. What is replaced in a
// value is stored with the whole of it, once for each time that a path leads into it.

// writable reports whether the element can be replaced.
func (s *spot[T]) writable() bool { return s.cell != nil || s.replace != nil }

// inner is a part of s; put makes the whole of a new part, cut without it. Both may
// change what s holds: it is the walk's own copy.
func inner[A, B any](s *spot[A], part B, there bool, put func(B), cut func()) *spot[B] {
	child := &spot[B]{value: part, known: true, there: there, of: s.of}
	if s.writable() {
		child.replace, child.remove = put, cut
	}
	return child
}

// into makes a path of another that goes on inside the values of its ends.
func into[S, A, B, M any](p Path[S, A, M], from func(x *walk, s *spot[A], a A, next func(*spot[B]) bool) bool) Path[S, B, M] {
	return Path[S, B, M]{func(x *walk, root *spot[S], next func(*spot[B]) bool) bool {
		return p.walk(x, root, func(s *spot[A]) bool {
			a, ok := s.get(x)
			return ok && from(x, s, a, next)
		})
	}}
}

// readFrom makes a path of another and what is computed from its ends.
func readFrom[S, A, B, M any](p Path[S, A, M], from func(s *spot[A], a A, next func(*spot[B]) bool) bool) Path[S, B, Derived] {
	return Path[S, B, Derived]{into(p, func(_ *walk, s *spot[A], a A, next func(*spot[B]) bool) bool { return from(s, a, next) }).walk}
}

// Within leads to a field of a value that is a struct. Deleting it makes it zero.
//
//	nav.Within(p, func(o *Order) *int { return &o.Amount })
func Within[S, A, B, M any](p Path[S, A, M], field func(*A) *B) Path[S, B, M] {
	return into(p, func(_ *walk, s *spot[A], a A, next func(*spot[B]) bool) bool {
		put := func(b B) {
			whole := s.value
			*field(&whole) = b
			s.set(whole)
		}
		return next(inner(s, *field(&a), s.there, put, func() { put(*new(B)) }))
	})
}

// Item leads to the element at an index of a value that is a slice, from 0, if there is
// one. An index below 0 counts from the end: -1 is the last.
func Item[S, T, M any](p Path[S, []T, M], index int) Path[S, T, M] {
	return into(p, func(_ *walk, s *spot[[]T], all []T, next func(*spot[T]) bool) bool {
		i := index
		if i < 0 {
			i += len(all)
		}
		if i < 0 || i >= len(all) {
			return true
		}
		put := func(t T) { s.value[i] = t; s.set(s.value) }
		return next(inner(s, all[i], true, put, func() { s.set(slices.Delete(s.value, i, i+1)) }))
	})
}

// Items leads to every element of a value that is a slice.
func Items[S, T, M any](p Path[S, []T, M]) Path[S, T, M] {
	return into(p, func(_ *walk, s *spot[[]T], all []T, next func(*spot[T]) bool) bool {
		gone := map[int]bool{}
		more := true
		for i := 0; i < len(all) && more; i++ {
			put := func(t T) { s.value[i] = t; s.set(s.value) }
			more = next(inner(s, all[i], true, put, func() { gone[i] = true }))
		}
		if len(gone) > 0 {
			var left []T
			for i, t := range s.value {
				if !gone[i] {
					left = append(left, t)
				}
			}
			s.set(left)
		}
		return more
	})
}

// Val leads to the element under a key of a value that is a Go map; one that is not
// there is zero.
func Val[S, V, M any, K comparable](p Path[S, map[K]V, M], key K) Path[S, V, M] {
	return into(p, func(_ *walk, s *spot[map[K]V], all map[K]V, next func(*spot[V]) bool) bool {
		v, there := all[key]
		return next(entry(s, key, v, there))
	})
}

// Vals leads to every element of a value that is a Go map, in the order of the keys.
func Vals[S, V, M any, K cmp.Ordered](p Path[S, map[K]V, M]) Path[S, V, M] {
	return into(p, func(_ *walk, s *spot[map[K]V], all map[K]V, next func(*spot[V]) bool) bool {
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if !next(entry(s, key, all[key], true)) {
				return false
			}
		}
		return true
	})
}

func entry[K comparable, V any](s *spot[map[K]V], key K, v V, there bool) *spot[V] {
	put := func(v V) {
		if s.value == nil {
			s.value = map[K]V{}
		}
		s.value[key] = v
		s.set(s.value)
	}
	return inner(s, v, there, put, func() {
		delete(s.value, key)
		s.set(s.value)
	})
}

// Keys leads to every key of a value that is a Go map, in order.
func Keys[S, V, M any, K cmp.Ordered](p Path[S, map[K]V, M]) Path[S, K, Derived] {
	return readFrom(p, func(s *spot[map[K]V], all map[K]V, next func(*spot[K]) bool) bool {
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if !next(derived(key, s.of)) {
				return false
			}
		}
		return true
	})
}

// NullToVal puts a value in the place of one that does not exist, or is nil. It is
// stored only if it is replaced.
func NullToVal[S, T, M any](p Path[S, T, M], value T) Path[S, T, M] {
	return Path[S, T, M]{func(x *walk, root *spot[S], next func(*spot[T]) bool) bool {
		return p.walk(x, root, func(s *spot[T]) bool {
			t, ok := s.get(x)
			if !ok {
				return false
			}
			if s.there && !isNil(t) {
				return next(s)
			}
			return next(inner(s, value, true, s.set, func() { s.erase(x) }))
		})
	}}
}

func isNil[T any](t T) bool {
	switch v := reflect.ValueOf(&t).Elem(); v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	}
	return false
}

// View leads to what f makes of an element.
func View[S, A, B, M any](p Path[S, A, M], f func(A) B) Path[S, B, Derived] {
	return readFrom(p, func(s *spot[A], a A, next func(*spot[B]) bool) bool { return next(derived(f(a), s.of)) })
}

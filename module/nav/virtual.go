package nav

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/pstate"
)

// The navigators of this file lead to where nothing is yet, and to parts of structures as one
// value: what is set there is put in, or takes the place of the part (promises 12.08 to 12.12).

// VoidElem leads to an element of a set that is not there yet: Set puts one in. To read it is
// zero.
func VoidElem[S, T, L any, H interface {
	pstate.Membered[T]
	Add(pstate.Writer, T) bool
}](p Path[S, H, L]) Path[S, T, Value] {
	return step[S, H, T, L, Value](p, func(x *walk, h *H, next func(*spot[T]) bool) bool {
		return next(void(x, func(t T) { (*h).Add(writer{x.view}, t) }))
	})
}

// BeforeElem leads to before the first element of a list: Set puts one there. To read it is
// zero.
func BeforeElem[S, T, L any](p Path[S, pstate.List[T], L]) Path[S, T, Value] {
	return step[S, pstate.List[T], T, L, Value](p, func(x *walk, l *pstate.List[T], next func(*spot[T]) bool) bool {
		return next(void(x, func(t T) { l.PushFront(writer{x.view}, t) }))
	})
}

// AfterElem leads to behind the last element of a list: Set puts one there. To read it is
// zero.
func AfterElem[S, T, L any](p Path[S, pstate.List[T], L]) Path[S, T, Value] {
	return step[S, pstate.List[T], T, L, Value](p, func(x *walk, l *pstate.List[T], next func(*spot[T]) bool) bool {
		return next(void(x, func(t T) { l.Push(writer{x.view}, t) }))
	})
}

// BeforeIndex leads to before the element at an index of a list, from 0 to its length: Set
// puts one there, and those behind it move up, or those before it down if they are fewer. It
// leads nowhere where the list has no such index. To read it is zero.
func BeforeIndex[S, T, L any](p Path[S, pstate.List[T], L], index int) Path[S, T, Value] {
	return step[S, pstate.List[T], T, L, Value](p, func(x *walk, l *pstate.List[T], next func(*spot[T]) bool) bool {
		n, err := l.Len(writer{x.view})
		if !x.fail(err) || index < 0 || index > n {
			return x.err == nil
		}
		return next(void(x, func(t T) { x.splice(func() error { return splice(writer{x.view}, *l, index, index, []T{t}) }) }))
	})
}

// void is a place at which nothing is.
func void[T any](x *walk, put func(T)) *spot[T] {
	s := &spot[T]{known: true, of: x.view.Moment()}
	if x.writing {
		s.replace = put
	}
	return s
}

// writer is a view as what handles write with.
type writer struct{ view *overlay.View }

func (w writer) StateView() *overlay.View { return w.view }
func (writer) StateWriter()               {}

func (x *walk) splice(do func() error) { x.fail(do()) }

// Sublist leads to the elements of a list from one index on, before another, as one slice; it
// ends where the list does, and leads nowhere where the list ends before it. What is set
// takes their place, also more or fewer: those behind them move, or those before them if they
// are fewer. Delete takes them out.
func Sublist[S, T, L any](p Path[S, pstate.List[T], L], low, high int) Path[S, []T, Value] {
	return sublist(p, func(n int) (int, int) { return low, min(high, n) })
}

// SublistFunc is Sublist between indexes that are computed of the list's length.
func SublistFunc[S, T, L any](p Path[S, pstate.List[T], L], bounds func(length int) (low, high int)) Path[S, []T, Value] {
	return sublist(p, func(n int) (int, int) {
		low, high := bounds(n)
		return low, min(high, n)
	})
}

// Beginning leads to the empty slice before all elements of a list: what is set is put there.
func Beginning[S, T, L any](p Path[S, pstate.List[T], L]) Path[S, []T, Value] {
	return sublist(p, func(int) (int, int) { return 0, 0 })
}

// End leads to the empty slice behind all elements of a list: what is set is put there.
func End[S, T, L any](p Path[S, pstate.List[T], L]) Path[S, []T, Value] {
	return sublist(p, func(n int) (int, int) { return n, n })
}

func sublist[S, T, L any](p Path[S, pstate.List[T], L], bounds func(n int) (low, high int)) Path[S, []T, Value] {
	return step[S, pstate.List[T], []T, L, Value](p, func(x *walk, l *pstate.List[T], next func(*spot[[]T]) bool) bool {
		n, err := l.Len(writer{x.view})
		if !x.fail(err) {
			return false
		}
		of := x.view.Moment()
		low, high := bounds(n)
		if low < 0 || low > n || high < low {
			return true
		}
		var all []T
		if high > low {
			for e, err := range l.Range(writer{x.view}, pstate.Between(low, high)) {
				if !x.fail(err) {
					return false
				}
				all = append(all, e.Val)
			}
			of = of.With(x.view.Moment())
		}
		s := derived(all, of)
		if x.writing {
			list := *l
			s.replace = func(values []T) {
				x.splice(func() error { return splice(writer{x.view}, list, low, high, values) })
				high = low + len(values)
			}
			s.remove = func() { s.replace(nil) }
		}
		return next(s) && x.err == nil
	})
}

// splice puts values in the place of a list's elements from low on, before high.
func splice[T any](w pstate.Writer, l pstate.List[T], low, high int, values []T) error {
	n, err := l.Len(w)
	if err != nil {
		return err
	}
	more := len(values) - (high - low)
	if more != 0 && low < n-high {
		return spliceFront(w, l, low, values, more)
	}
	if more != 0 {
		tail, err := between(w, l, high, n)
		if err != nil {
			return err
		}
		values = append(slices.Clone(values), tail...)
	}
	for i, v := range values {
		if at := low + i; at < n {
			l.Set(w, at, v)
		} else {
			l.Push(w, v)
		}
	}
	for range -more {
		l.Pop(w)
	}
	return nil
}

// spliceFront moves the elements before low, by more.
func spliceFront[T any](w pstate.Writer, l pstate.List[T], low int, values []T, more int) error {
	head, err := between(w, l, 0, low)
	if err != nil {
		return err
	}
	all := append(head, values...)
	for range -more {
		l.PopFront(w)
	}
	pushed := max(more, 0)
	for _, v := range slices.Backward(all[:pushed]) {
		l.PushFront(w, v)
	}
	for i := pushed; i < len(all); i++ {
		l.Set(w, i, all[i])
	}
	return nil
}

func between[T any](r pstate.Reader, l pstate.List[T], low, high int) (all []T, err error) {
	if low >= high {
		return nil, nil
	}
	for e, err := range l.Range(r, pstate.Between(low, high)) {
		if err != nil {
			return nil, err
		}
		all = append(all, e.Val)
	}
	return all, nil
}

// Index leads to an index of a list, if there is such an element: what is set is where the
// element moves to; those between move by one. An index that the list has not fails the event (pstate.ErrIndex).
func Index[S, T, L any](p Path[S, pstate.List[T], L], index int) Path[S, int, Value] {
	return step[S, pstate.List[T], int, L, Value](p, func(x *walk, l *pstate.List[T], next func(*spot[int]) bool) bool {
		w := writer{x.view}
		n, err := l.Len(w)
		if !x.fail(err) || index < 0 || index >= n {
			return x.err == nil
		}
		s := derived(index, x.view.Moment())
		if x.writing {
			list, at := *l, index
			s.replace = func(to int) {
				x.splice(func() error { return moveItem(w, list, n, at, to) })
				at = to
			}
			s.remove = func() { x.splice(func() error { return splice(w, list, at, at+1, nil) }) }
		}
		return next(s) && x.err == nil
	})
}

// moveItem moves an element of a list with n to another index.
func moveItem[T any](w pstate.Writer, l pstate.List[T], n, from, to int) error {
	if to < 0 || to >= n {
		return fmt.Errorf("%w: an element moves to index %d of a list that has %d", pstate.ErrIndex, to, n)
	}
	low, high := min(from, to), max(from, to)+1
	all, err := between(w, l, low, high)
	if err != nil {
		return err
	}
	item := all[from-low]
	all = slices.Insert(slices.Delete(all, from-low, from-low+1), to-low, item)
	return splice(w, l, low, high, all)
}

// Indexed leads to every element of a list, with its index.
func Indexed[S, T, L any](p Path[S, pstate.List[T], L]) Path[S, pstate.Entry[int, T], Derived] {
	return step[S, pstate.List[T], pstate.Entry[int, T], L, Derived](p, func(x *walk, l *pstate.List[T], next func(*spot[pstate.Entry[int, T]]) bool) bool {
		for e, err := range l.Range(writer{x.view}, pstate.All[int]()) {
			if !x.fail(err) || !next(derived(e, x.view.Moment())) {
				return false
			}
		}
		return true
	})
}

// valued is a Map or a SortedMap.
type valued[K, V any] interface{ Key(K) pstate.Value[V] }

// MapKey leads to a key of a Map or a SortedMap, if there is an element under it: what is set
// is the key that the element moves to, where it takes the place of another. Delete removes
// the element.
func MapKey[S, K, V, L any, H valued[K, V]](p Path[S, H, L], key K) Path[S, K, Value] {
	return step[S, H, K, L, Value](p, func(x *walk, h *H, next func(*spot[K]) bool) bool {
		w := writer{x.view}
		at := (*h).Key(key)
		value, there, err := at.Lookup(w)
		if !x.fail(err) || !there {
			return x.err == nil
		}
		s := derived(key, x.view.Moment())
		if x.writing {
			whole := *h
			s.replace = func(to K) {
				at.Delete(w)
				at = whole.Key(to)
				at.Set(w, value)
			}
			s.remove = func() { at.Delete(w) }
		}
		return next(s)
	})
}

// SubMap leads to the elements under some keys of a Map or a SortedMap, as one Go map; keys
// that are not there are not in it. What is set takes their place: those of the keys that it
// lacks are removed, and what it has under others is put in.
func SubMap[S any, K comparable, V, L any, H valued[K, V]](p Path[S, H, L], keys ...K) Path[S, map[K]V, Value] {
	return step[S, H, map[K]V, L, Value](p, func(x *walk, h *H, next func(*spot[map[K]V]) bool) bool {
		w := writer{x.view}
		all := map[K]V{}
		var of overlay.Moment
		for _, k := range keys {
			value, there, err := (*h).Key(k).Lookup(w)
			if !x.fail(err) {
				return false
			}
			of = of.With(x.view.Moment())
			if there {
				all[k] = value
			}
		}
		s := derived(all, of)
		if x.writing {
			whole := *h
			s.replace = func(now map[K]V) {
				for _, k := range keys {
					if _, stays := now[k]; !stays {
						whole.Key(k).Delete(w)
					}
				}
				for k, v := range now {
					whole.Key(k).Set(w, v)
				}
			}
			s.remove = func() { s.replace(nil) }
		}
		return next(s)
	})
}

// Subset leads to those of some elements that a set has, as one slice, in the order in which
// they are named. What is set takes their place.
func Subset[S any, T comparable, L any, H interface {
	Has(pstate.Reader, T) (bool, error)
	Add(pstate.Writer, T) bool
	Remove(pstate.Writer, T) bool
}](p Path[S, H, L], elements ...T) Path[S, []T, Value] {
	return step[S, H, []T, L, Value](p, func(x *walk, h *H, next func(*spot[[]T]) bool) bool {
		w := writer{x.view}
		var all []T
		var of overlay.Moment
		for _, t := range elements {
			there, err := (*h).Has(w, t)
			if !x.fail(err) {
				return false
			}
			of = of.With(x.view.Moment())
			if there {
				all = append(all, t)
			}
		}
		s := derived(all, of)
		if x.writing {
			whole := *h
			s.replace = func(now []T) {
				for _, t := range elements {
					if !slices.Contains(now, t) {
						whole.Remove(w, t)
					}
				}
				for _, t := range now {
					whole.Add(w, t)
				}
			}
			s.remove = func() { s.replace(nil) }
		}
		return next(s)
	})
}

// Slice leads to the elements of a value that is a slice from one index on, before another,
// as Sublist does in a list.
func Slice[S, T, M any](p Path[S, []T, M], low, high int) Path[S, []T, M] {
	return into(p, func(_ *walk, s *spot[[]T], all []T, next func(*spot[[]T]) bool) bool {
		high := min(high, len(all))
		if low < 0 || low > len(all) || high < low {
			return true
		}
		put := func(values []T) {
			whole := slices.Concat(s.value[:low], values, s.value[high:])
			high = low + len(values)
			s.set(whole)
		}
		return next(inner(s, slices.Clone(all[low:high]), true, put, func() { put(nil) }))
	})
}

// ValKey leads to a key of a value that is a Go map, if there is an element under it: what is
// set is the key that the element moves to.
func ValKey[S, V, M any, K comparable](p Path[S, map[K]V, M], key K) Path[S, K, M] {
	return into(p, func(_ *walk, s *spot[map[K]V], all map[K]V, next func(*spot[K]) bool) bool {
		value, there := all[key]
		if !there {
			return true
		}
		at := key
		put := func(to K) {
			delete(s.value, at)
			at = to
			s.value[to] = value
			s.set(s.value)
		}
		return next(inner(s, key, true, put, func() {
			delete(s.value, at)
			s.set(s.value)
		}))
	})
}

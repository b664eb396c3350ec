package pstate

import (
	"fmt"
	"iter"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/store"
)

// Set is an unordered set. It cannot be ranged over; a SortedSet can, for about twice
// the memory.
type Set[T any] struct{ p overlay.Path }

// Add puts t into the set and reports whether it was not there before.
func (s Set[T]) Add(w Writer, t T) (added bool) { return add(w, s.element(t)) }

// Remove takes t out of the set and reports whether it was there.
func (s Set[T]) Remove(w Writer, t T) (removed bool) { return remove(w, s.element(t)) }

// Has reports whether t is in the set.
func (s Set[T]) Has(r Reader, t T) (bool, error) {
	p := s.element(t)
	return overlay.Has(r.StateView(), &p)
}

// Len returns the number of elements.
func (s Set[T]) Len(r Reader) (int, error) { return length(r, s.p, store.Set) }

// Clear removes all elements, in one command whatever their number.
func (s Set[T]) Clear(w Writer) { overlay.Drop(w.StateView(), &s.p) }

func (s Set[T]) element(t T) overlay.Path { return s.p.With(segment(s.p.Schema, t), store.Set) }

func (s Set[T]) at(p overlay.Path) Set[T] { return Set[T]{p} }
func (s *Set[T]) bind(p overlay.Path)     { s.p = p }
func (s Set[T]) path() *overlay.Path      { return &s.p }
func (s Set[T]) keyed(T)                  {}
func (s Set[T]) shape(sh *shaper) *overlay.Schema {
	out := keyed[T](sh, &overlay.Schema{Kind: overlay.KindSet}, false)
	out.Text = fmt.Sprintf("set[%s]", typeName[T]())
	return out
}

// SortedSet is a set in the natural order of its elements.
type SortedSet[T any] struct{ p overlay.Path }

// Add puts t into the set and reports whether it was not there before.
func (s SortedSet[T]) Add(w Writer, t T) (added bool) { return add(w, s.element(t)) }

// Remove takes t out of the set and reports whether it was there.
func (s SortedSet[T]) Remove(w Writer, t T) (removed bool) { return remove(w, s.element(t)) }

// Has reports whether t is in the set.
func (s SortedSet[T]) Has(r Reader, t T) (bool, error) {
	p := s.element(t)
	return overlay.Has(r.StateView(), &p)
}

// Len returns the number of elements.
func (s SortedSet[T]) Len(r Reader) (int, error) { return length(r, s.p, store.SortedSet) }

// Range returns the elements of a span in order; see SortedMap.Range.
func (s SortedSet[T]) Range(r Reader, span Span[T]) iter.Seq2[T, error] {
	return rangeKeys(r, s.p, span)
}

// Clear removes all elements, in one command whatever their number.
func (s SortedSet[T]) Clear(w Writer) { overlay.Drop(w.StateView(), &s.p) }

func (s SortedSet[T]) element(t T) overlay.Path {
	return s.p.With(segment(s.p.Schema, t), store.SortedSet)
}

func (s SortedSet[T]) at(p overlay.Path) SortedSet[T] { return SortedSet[T]{p} }
func (s *SortedSet[T]) bind(p overlay.Path)           { s.p = p }
func (s SortedSet[T]) path() *overlay.Path            { return &s.p }
func (s SortedSet[T]) keyed(T)                        {}
func (s SortedSet[T]) shape(sh *shaper) *overlay.Schema {
	out := keyed[T](sh, &overlay.Schema{Kind: overlay.KindSortedSet}, true)
	out.Text = fmt.Sprintf("sorted set[%s]", typeName[T]())
	return out
}

func add(w Writer, p overlay.Path) bool {
	v := w.StateView()
	has, err := overlay.Has(v, &p)
	if err != nil || has {
		return false
	}
	var none struct{}
	overlay.Set(v, &p, &none)
	return true
}

func remove(w Writer, p overlay.Path) bool {
	v := w.StateView()
	has, err := overlay.Has(v, &p)
	if err != nil || !has {
		return false
	}
	overlay.Delete[struct{}](v, &p)
	return true
}

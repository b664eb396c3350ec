package pstate

import (
	"fmt"
	"iter"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// SortedSet is a set in the natural order of its elements.
type SortedSet[T comparable] struct{ p overlay.Path }

// Add puts t into the set and reports whether it was not there before.
func (s SortedSet[T]) Add(w Writer, t T) (added bool) {
	v, p := w.StateView(), s.element(t)
	has, err := overlay.Has(v, &p)
	if err != nil || has {
		return false
	}
	var none struct{}
	overlay.Set(v, &p, &none)
	return true
}

// Remove takes t out of the set and reports whether it was there.
func (s SortedSet[T]) Remove(w Writer, t T) (removed bool) {
	v, p := w.StateView(), s.element(t)
	has, err := overlay.Has(v, &p)
	if err != nil || !has {
		return false
	}
	overlay.Delete[struct{}](v, &p)
	return true
}

// Has reports whether t is in the set.
func (s SortedSet[T]) Has(r Reader, t T) (bool, error) {
	p := s.element(t)
	return overlay.Has(r.StateView(), &p)
}

// Len returns the number of elements.
func (s SortedSet[T]) Len(r Reader) (int, error) {
	p := s.inner()
	return overlay.Len[struct{}](r.StateView(), &p)
}

// Range returns the elements of a span in order; see SortedMap.Range.
func (s SortedSet[T]) Range(r Reader, span Span[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		p := s.inner()
		var zero T
		var failure error
		err := overlay.Scan(r.StateView(), &p, span.bytes(), func(field string, _ struct{}) bool {
			key, err := parseKey[T](field)
			if err != nil {
				failure = err
				return false
			}
			return yield(key, nil)
		})
		if err == nil {
			err = failure
		}
		if err != nil {
			yield(zero, err)
		}
	}
}

func (s SortedSet[T]) element(t T) overlay.Path { return s.p.With(segment(t), store.SortedSet) }
func (s SortedSet[T]) inner() overlay.Path      { return s.p.With(wire.Segment{}, store.SortedSet) }

func (s SortedSet[T]) at(p overlay.Path) SortedSet[T] { return SortedSet[T]{p} }
func (s SortedSet[T]) keyed(T)                        {}
func (s SortedSet[T]) declared() *overlay.Decl        { return s.p.Decl }
func (s SortedSet[T]) check() []error                 { return checkKey[T](true) }
func (s SortedSet[T]) leaf() (any, error)             { return nil, nil }
func (s SortedSet[T]) describe() string               { return fmt.Sprintf("sorted set[%s]", typeName[T]()) }
func (s SortedSet[T]) dropAll(v *overlay.View) {
	p := s.inner()
	overlay.DropTable[struct{}](v, &p)
}
func (s *SortedSet[T]) declare(d *overlay.Decl) []error {
	s.p = overlay.Path{Decl: d}
	return s.check()
}

package pstate

import (
	"slices"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/place"
)

// The interfaces of this file say which structures a navigator of package nav takes.

// Located is every structure.
type Located interface{ path() *overlay.Path }

// Mapped is a structure with an element under each key: of a Map and a SortedMap a value
// E, of a MapOf a structure E. M says what may be done with it.
type Mapped[K, E, M any] interface {
	under(key K, mode M) place.Place[E]
}

// Entries is a structure whose keys are in order: SortedMap and MapOf, or a MapPart of
// one.
type Entries[K, E, M any] interface {
	entries(s scan[K], yield func(K, place.Place[E], M) bool) error
}

// SortedEntries is an Entries of which there can be a part.
type SortedEntries[K, E, M any] interface {
	Entries[K, E, M]
	Mapped[K, E, M]
}

// Elements is a structure of elements in order: SortedSet, List and ListOf, or a Part of
// one. The keys K that parts are cut by are the elements of the set themselves, and the
// indexes of a list.
type Elements[K, E, M any] interface {
	elements(s scan[K], yield func(K, place.Place[E], M) bool) error
}

// SortedElements is an Elements of which there can be a part.
type SortedElements[K, E, M any] interface {
	Elements[K, E, M]
	Located
}

// Indexed is a structure with an element at each index: List and ListOf.
type Indexed[E, M any] interface {
	nth(v *overlay.View, index int, mode M) (p place.Place[E], found bool, err error)
}

// Membered is a Set or a SortedSet.
type Membered[T any] interface{ member(t T) place.Place[T] }

// Held is a Value.
type Held[T any] interface{ held() place.Place[T] }

// scan is how a structure is gone through.
type scan[K any] struct {
	view    *overlay.View
	span    Span[K]
	writing bool // the places are to have cells
	end     end  // of elements: only one of them
	after   *[]func()
}

type end uint8

const (
	wholly end = iota
	atFirst
	atLast
)

// spanned is the span to read.
func (s *scan[K]) spanned() Span[K] {
	if s.end != wholly {
		return Span[K]{reverse: s.end == atLast, limit: 1}
	}
	return s.span
}

// MapPart is a part of a SortedMap or a MapOf: what the ranges of package nav lead to.
type MapPart[K, E, M any] struct {
	of   Entries[K, E, M]
	span Span[K]
	flip bool // gone through from behind, and given in order
}

// Part is a part of a SortedSet, a List or a ListOf: what the ranges of package nav lead
// to.
type Part[K, E, M any] struct {
	of   Elements[K, E, M]
	span Span[K]
	flip bool
}

func (m MapPart[K, E, M]) entries(s scan[K], yield func(K, place.Place[E], M) bool) error {
	if m.of == nil {
		return nil
	}
	s.span = m.span
	return ordered(m.flip, func(yield func(K, place.Place[E], M) bool) error { return m.of.entries(s, yield) }, yield)
}

func (p Part[K, E, M]) elements(s scan[K], yield func(K, place.Place[E], M) bool) error {
	if p.of == nil {
		return nil
	}
	if s.end != wholly {
		return p.endElement(s, yield)
	}
	s.span = p.span
	return ordered(p.flip, func(yield func(K, place.Place[E], M) bool) error { return p.of.elements(s, yield) }, yield)
}

// endElement gives the first or last element of the part alone.
func (p Part[K, E, M]) endElement(s scan[K], yield func(K, place.Place[E], M) bool) error {
	last := s.end == atLast
	s.span, s.end = p.span, wholly
	switch {
	case last == p.flip: // the first that is read
		s.span.limit = 1
		return p.of.elements(s, yield)
	case p.span.limit == 0:
		s.span.reverse, s.span.limit = !s.span.reverse, 1
		return p.of.elements(s, yield)
	}
	var key K
	var at place.Place[E]
	var mode M
	found := false
	err := p.of.elements(s, func(k K, e place.Place[E], m M) bool {
		key, at, mode, found = k, e, m, true
		return true
	})
	if err == nil && found {
		yield(key, at, mode)
	}
	return err
}

// ordered goes through something, from behind if flip says so: then its end is read
// before the first element is given.
func ordered[K, E, M any](flip bool, all func(yield func(K, place.Place[E], M) bool) error, yield func(K, place.Place[E], M) bool) error {
	if !flip {
		return all(yield)
	}
	type entry struct {
		key  K
		at   place.Place[E]
		mode M
	}
	var read []entry
	err := all(func(key K, at place.Place[E], mode M) bool {
		read = append(read, entry{key, at, mode})
		return true
	})
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(read) {
		if !yield(e.key, e.at, e.mode) {
			break
		}
	}
	return nil
}

// NewMapPart and the functions below are for package nav. The last n elements of a span
// (last) are given in order.
func NewMapPart[K, E, M any](of Entries[K, E, M], span Span[K], last int) MapPart[K, E, M] {
	if last > 0 {
		return MapPart[K, E, M]{of, span.Reverse().Limit(last), true}
	}
	return MapPart[K, E, M]{of: of, span: span}
}

// NewPart is NewMapPart of elements.
func NewPart[K, E, M any](of Elements[K, E, M], span Span[K], last int) Part[K, E, M] {
	if last > 0 {
		return Part[K, E, M]{of, span.Reverse().Limit(last), true}
	}
	return Part[K, E, M]{of: of, span: span}
}

// Under returns the place of a key.
func Under[K, E, M any](h Mapped[K, E, M], key K) place.Place[E] {
	var mode M
	return h.under(key, mode)
}

// EachEntry goes through the entries in order.
func EachEntry[K, E, M any](v *overlay.View, h Entries[K, E, M], writing bool, yield func(K, place.Place[E]) bool) error {
	return h.entries(scan[K]{view: v, writing: writing}, func(key K, at place.Place[E], _ M) bool { return yield(key, at) })
}

// EachElement goes through the elements in order.
func EachElement[K, E, M any](v *overlay.View, h Elements[K, E, M], writing bool, yield func(place.Place[E]) bool) error {
	return eachElement(scan[K]{view: v, writing: writing}, h, yield)
}

// EndElement gives the first or the last element, if there is one.
func EndElement[K, E, M any](v *overlay.View, h Elements[K, E, M], last, writing bool, yield func(place.Place[E]) bool) error {
	s := scan[K]{view: v, writing: writing, end: atFirst}
	if last {
		s.end = atLast
	}
	return eachElement(s, h, yield)
}

// eachElement carries out what waits until all elements were given.
func eachElement[K, E, M any](s scan[K], h Elements[K, E, M], yield func(place.Place[E]) bool) error {
	var after []func()
	s.after = &after
	err := h.elements(s, func(_ K, at place.Place[E], _ M) bool { return yield(at) })
	for _, do := range after {
		do()
	}
	return err
}

// Nth returns the place at an index, and whether there is one.
func Nth[E, M any](v *overlay.View, h Indexed[E, M], index int) (place.Place[E], bool, error) {
	var mode M
	return h.nth(v, index, mode)
}

// Member returns the place of an element of a set.
func Member[T any](h Membered[T], t T) place.Place[T] { return h.member(t) }

// Holding returns the place of what a Value holds.
func Holding[T any](h Held[T]) place.Place[T] { return h.held() }

// Whole returns the place of a structure.
func Whole[H Located](h H) place.Place[H] {
	return place.Place[H]{Value: h, Known: true, There: true, Cell: wholeCell[H]{h}}
}

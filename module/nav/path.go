package nav

import (
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/place"
	"github.com/coppice-run/coppice/pstate"
)

// Path leads from an S to any number of E: none, one or many. S is [Root] where the path
// begins at a PState; other paths are parts of such. M is the mode of the E: what may be
// done with them. A path is a value that does not change; it can be kept and used by
// many at once, as far as the functions in it can.
type Path[S, E, M any] struct {
	walk func(x *walk, at *spot[S], next func(*spot[E]) bool) bool
}

// Root is where paths begin that know their PState.
type Root struct{}

// The modes of a path's end. Whoever keeps a path in a variable names one; the
// navigators find it by themselves.
type (
	// Value can be replaced ([Set], [Update]) and removed ([Delete]).
	Value = place.Value
	// Structure is a structure of package pstate: [Delete] frees everything under it.
	Structure = place.Structure
	// Row is a structure in a pstate.ListOf, which stays where it is.
	Row = place.Row
	// Derived is computed from what is stored, and only read.
	Derived = place.Derived
)

// walk is one run along a path.
type walk struct {
	view    *overlay.View
	writing bool
	err     error
}

// fail ends the walk with an error; nil goes on.
func (x *walk) fail(err error) bool {
	if x.err == nil {
		x.err = err
	}
	return x.err == nil
}

// spot is where a walk is: an element that is stored, or a part of one.
type spot[T any] struct {
	value T
	known bool
	there bool // if known
	dirty bool // of a cell: replaced, and to be written when the walk leaves it

	of overlay.Moment

	cell    place.Cell[T]
	replace func(T) // of a part: in the whole; nil: it is only read
	remove  func()
}

func known[T any](value T) *spot[T] { return &spot[T]{value: value, known: true, there: true} }

// derived is what was made of something of a moment.
func derived[T any](value T, of overlay.Moment) *spot[T] {
	s := known(value)
	s.of = of
	return s
}

// get returns the element, zero if it does not exist.
func (s *spot[T]) get(x *walk) (value T, ok bool) {
	if !s.known {
		var err error
		if s.value, s.there, err = s.cell.Lookup(x.view); err != nil {
			return value, x.fail(err)
		}
		s.known, s.of = true, x.view.Moment()
	}
	return s.value, true
}

// set replaces the element.
func (s *spot[T]) set(value T) {
	s.value, s.known, s.there = value, true, true
	switch {
	case s.replace != nil:
		s.replace(value)
	case s.cell != nil:
		s.dirty = true
	}
}

// erase removes the element.
func (s *spot[T]) erase(x *walk) {
	var zero T
	s.value, s.known, s.there, s.dirty = zero, true, false, false
	switch {
	case s.remove != nil:
		s.remove()
	case s.cell != nil:
		s.cell.Remove(x.view)
	}
}

// visit goes on from an element that is stored, and writes it once behind that.
func visit[T any](x *walk, p place.Place[T], next func(*spot[T]) bool) bool {
	return new(spot[T]).visit(x, p, next)
}

// visit is visit with a spot that is used again: nobody holds one behind a visit.
func (s *spot[T]) visit(x *walk, p place.Place[T], next func(*spot[T]) bool) bool {
	*s = spot[T]{value: p.Value, known: p.Known, there: p.There, cell: p.Cell, of: p.Of}
	more := next(s)
	if s.dirty && x.err == nil {
		s.dirty = false
		s.cell.Set(x.view, s.value)
	}
	return more && x.err == nil
}

// From begins a path at a structure: a PState, or what its handle leads to.
//
//	nav.From(m.Orders)
//	nav.From(m.Orders.Key("ann"))
func From[H pstate.Located](h H) Path[Root, H, Structure] {
	whole := pstate.Whole(h)
	return Path[Root, H, Structure]{func(x *walk, _ *spot[Root], next func(*spot[H]) bool) bool {
		return visit(x, whole, next)
	}}
}

// FromValue begins a path at a value: a PState that is one, or an element of a map.
func FromValue[T any](v pstate.Value[T]) Path[Root, T, Value] {
	return Path[Root, T, Value]{func(x *walk, _ *spot[Root], next func(*spot[T]) bool) bool {
		return visit(x, pstate.Holding(v), next)
	}}
}

// Here begins a part of a path, at values of type T: for [Then], [Multi], [If],
// [Subselect] and the others that take parts. Rama calls it STAY.
func Here[T any]() Path[T, T, Value] {
	return Path[T, T, Value]{func(_ *walk, at *spot[T], next func(*spot[T]) bool) bool { return next(at) }}
}

// Inside begins a part of a path, at structures of type H.
func Inside[H pstate.Located]() Path[H, H, Structure] {
	return Path[H, H, Structure]{func(_ *walk, at *spot[H], next func(*spot[H]) bool) bool { return next(at) }}
}

// Then goes on along a part.
func Then[S, A, B, M, N any](p Path[S, A, M], part Path[A, B, N]) Path[S, B, N] {
	return Path[S, B, N]{func(x *walk, from *spot[S], next func(*spot[B]) bool) bool {
		return p.walk(x, from, func(a *spot[A]) bool { return part.walk(x, a, next) })
	}}
}

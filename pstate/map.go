package pstate

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// Map is an unordered map, its elements stored and read one by one. It cannot be
// ranged over; a SortedMap can, for about three times the memory.
type Map[K, V any] struct{ p overlay.Path }

// Key leads to the element under k.
func (m Map[K, V]) Key(k K) (v Value[V]) {
	v.p = m.p
	v.p.Extend(segment(m.p.Schema, k), store.Map)
	return v
}

// Len returns the number of elements of the map: of a top-level map, those on
// the event's task.
func (m Map[K, V]) Len(r Reader) (int, error) { return length(r, m.p, store.Map) }

// Clear removes all elements, in one command whatever their number.
func (m Map[K, V]) Clear(w Writer) { overlay.Drop(w.StateView(), &m.p) }

func (m Map[K, V]) at(p overlay.Path) Map[K, V] { return Map[K, V]{p} }
func (m *Map[K, V]) bind(p overlay.Path)        { m.p = p }
func (m Map[K, V]) path() *overlay.Path         { return &m.p }
func (m Map[K, V]) keyed(K)                     {}
func (m Map[K, V]) shape(s *shaper) *overlay.Schema {
	out := keyed[K](s, valued[V](s, overlay.KindMap), false)
	out.Text = fmt.Sprintf("map[%s]%s", typeName[K](), typeName[V]())
	return out
}

// length counts the elements of a structure.
func length(r Reader, p overlay.Path, kind store.Kind) (int, error) {
	inner := p.With(wire.Segment{}, kind)
	return overlay.Len(r.StateView(), &inner)
}

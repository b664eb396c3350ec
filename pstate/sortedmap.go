package pstate

import (
	"fmt"
	"iter"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// Entry is one element of an ordered map, or of a list with its index.
type Entry[K, V any] struct {
	Key K
	Val V
}

// SortedMap is a map in the natural order of its keys, its elements stored and
// read one by one.
type SortedMap[K, V any] struct{ p overlay.Path }

// Key leads to the element under k.
func (m SortedMap[K, V]) Key(k K) Value[V] {
	return Value[V]{m.p.With(segment(m.p.Schema, k), store.SortedMap)}
}

// Len returns the number of elements of the map.
func (m SortedMap[K, V]) Len(r Reader) (int, error) { return length(r, m.p, store.SortedMap) }

// Range returns the elements of a span in order. The sequence ends after an
// error. An event may write while it ranges. A client's range of up to 1,000
// elements and 1 MiB is of one moment; beyond that it is read in pages, each of
// its own moment.
func (m SortedMap[K, V]) Range(r Reader, span Span[K]) iter.Seq2[Entry[K, V], error] {
	return func(yield func(Entry[K, V], error) bool) {
		var failure error
		bytes, err := span.bytes(m.p.Schema)
		if err == nil {
			p := m.p.With(wire.Segment{}, store.SortedMap)
			err = overlay.Scan(r.StateView(), &p, bytes, func(field string, value V) bool {
				var key K
				if key, failure = parseKey[K](m.p.Schema, field); failure != nil {
					return false
				}
				return yield(Entry[K, V]{key, value}, nil)
			})
		}
		if err == nil {
			err = failure
		}
		if err != nil {
			yield(Entry[K, V]{}, err)
		}
	}
}

// Clear removes all elements, in one command whatever their number.
func (m SortedMap[K, V]) Clear(w Writer) { overlay.Drop(w.StateView(), &m.p) }

func (m SortedMap[K, V]) at(p overlay.Path) SortedMap[K, V] { return SortedMap[K, V]{p} }
func (m *SortedMap[K, V]) bind(p overlay.Path)              { m.p = p }
func (m SortedMap[K, V]) path() *overlay.Path               { return &m.p }
func (m SortedMap[K, V]) keyed(K)                           {}
func (m SortedMap[K, V]) shape(s *shaper) *overlay.Schema {
	out := keyed[K](s, valued[V](s, overlay.KindSortedMap), true)
	out.Text = fmt.Sprintf("sorted map[%s]%s", typeName[K](), typeName[V]())
	return out
}

// rangeKeys returns the keys of a span of an ordered structure without values.
func rangeKeys[K any](r Reader, p overlay.Path, span Span[K]) iter.Seq2[K, error] {
	return func(yield func(K, error) bool) {
		var zero K
		var failure error
		bytes, err := span.bytes(p.Schema)
		if err == nil {
			inner := p.With(wire.Segment{}, store.SortedSet)
			err = overlay.Scan(r.StateView(), &inner, bytes, func(field string, _ struct{}) bool {
				var key K
				if key, failure = parseKey[K](p.Schema, field); failure != nil {
					return false
				}
				return yield(key, nil)
			})
		}
		if err == nil {
			err = failure
		}
		if err != nil {
			yield(zero, err)
		}
	}
}

package pstate

import (
	"cmp"
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
func (m SortedMap[K, V]) Key(k K) (v Value[V]) {
	v.p = m.p
	v.p.Extend(segment(m.p.Schema, k), store.SortedMap)
	return v
}

// Len returns the number of elements of the map.
func (m SortedMap[K, V]) Len(r Reader) (int, error) { return length(r, m.p, store.SortedMap) }

// Range returns the elements of a span in order. The sequence ends after an
// error. An event may write while it ranges. A client's range of up to 1,000
// elements and 1 MiB is of one moment; beyond that it is read in pages, each of
// its own moment.
func (m SortedMap[K, V]) Range(r Reader, span Span[K]) iter.Seq2[Entry[K, V], error] {
	return func(yield func(Entry[K, V], error) bool) {
		err := eachEntry(r.StateView(), m.p, span, func(key K, value V) bool { return yield(Entry[K, V]{key, value}, nil) })
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
		if err := eachKey(r.StateView(), p, span, func(key K) bool { return yield(key, nil) }); err != nil {
			var zero K
			yield(zero, err)
		}
	}
}

// eachKey calls yield for the keys of a span.
func eachKey[K any](v *overlay.View, p overlay.Path, span Span[K], yield func(K) bool) error {
	return each(v, p, span, store.SortedSet, func(key K, _ struct{}) bool { return yield(key) })
}

// eachEntry calls yield for the entries of a span of a sorted map.
func eachEntry[K, V any](v *overlay.View, p overlay.Path, span Span[K], yield func(K, V) bool) error {
	return each(v, p, span, store.SortedMap, yield)
}

func each[K, V any](v *overlay.View, p overlay.Path, span Span[K], kind store.Kind, yield func(K, V) bool) error {
	bytes, err := span.bytes(p.Schema)
	if err != nil {
		return err
	}
	var failure error
	inner := p.With(wire.Segment{}, kind)
	err = overlay.Scan(v, &inner, bytes, func(field string, value V) bool {
		var key K
		if key, failure = parseKey[K](p.Schema, field); failure != nil {
			return false
		}
		return yield(key, value)
	})
	return cmp.Or(err, failure)
}

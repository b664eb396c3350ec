package pstate

import (
	"fmt"
	"iter"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// Map is an unordered map, its elements stored and read one by one.
type Map[K comparable, V any] struct{ p overlay.Path }

// Key leads to the element under k.
func (m Map[K, V]) Key(k K) Value[V] { return Value[V]{m.p.With(segment(k), store.Map)} }

// Len returns the number of elements of the map: of a top-level map, those on
// the event's task.
func (m Map[K, V]) Len(r Reader) (int, error) {
	p := m.inner()
	return overlay.Len[V](r.StateView(), &p)
}

func (m Map[K, V]) inner() overlay.Path { return m.p.With(wire.Segment{}, store.Map) }

func (m Map[K, V]) at(p overlay.Path) Map[K, V] { return Map[K, V]{p} }
func (m Map[K, V]) keyed(K)                     {}
func (m Map[K, V]) declared() *overlay.Decl     { return m.p.Decl }
func (m Map[K, V]) check() []error              { return checkKey[K](false) }
func (m Map[K, V]) leaf() (any, error)          { return leafAny[V]() }
func (m Map[K, V]) describe() string {
	return fmt.Sprintf("map[%s]%s", typeName[K](), typeName[V]())
}
func (m Map[K, V]) dropAll(v *overlay.View) {
	p := m.inner()
	overlay.DropTable[V](v, &p)
}
func (m *Map[K, V]) declare(d *overlay.Decl) []error {
	leaf, mistakes := leafOf[V]()
	d.Leaf = leaf
	m.p = overlay.Path{Decl: d}
	return append(mistakes, m.check()...)
}

// Entry is one element of an ordered map.
type Entry[K, V any] struct {
	Key K
	Val V
}

// SortedMap is a map in the natural order of its keys, its elements stored and
// read one by one.
type SortedMap[K comparable, V any] struct{ p overlay.Path }

// Key leads to the element under k.
func (m SortedMap[K, V]) Key(k K) Value[V] {
	return Value[V]{m.p.With(segment(k), store.SortedMap)}
}

// Len returns the number of elements of the map.
func (m SortedMap[K, V]) Len(r Reader) (int, error) {
	p := m.inner()
	return overlay.Len[V](r.StateView(), &p)
}

// Range returns the elements of a span in order. The sequence ends after an
// error. An event may write while it ranges. A client's range of up to 1,000
// elements and 1 MiB is of one moment; beyond that it is read in pages, each of
// its own moment.
func (m SortedMap[K, V]) Range(r Reader, span Span[K]) iter.Seq2[Entry[K, V], error] {
	return func(yield func(Entry[K, V], error) bool) {
		p := m.inner()
		var failure error
		err := overlay.Scan(r.StateView(), &p, span.bytes(), func(field string, value V) bool {
			key, err := parseKey[K](field)
			if err != nil {
				failure = err
				return false
			}
			return yield(Entry[K, V]{key, value}, nil)
		})
		if err == nil {
			err = failure
		}
		if err != nil {
			yield(Entry[K, V]{}, err)
		}
	}
}

func (m SortedMap[K, V]) inner() overlay.Path {
	return m.p.With(wire.Segment{}, store.SortedMap)
}

func (m SortedMap[K, V]) at(p overlay.Path) SortedMap[K, V] { return SortedMap[K, V]{p} }
func (m SortedMap[K, V]) keyed(K)                           {}
func (m SortedMap[K, V]) declared() *overlay.Decl           { return m.p.Decl }
func (m SortedMap[K, V]) check() []error                    { return checkKey[K](true) }
func (m SortedMap[K, V]) leaf() (any, error)                { return leafAny[V]() }
func (m SortedMap[K, V]) describe() string {
	return fmt.Sprintf("sorted map[%s]%s", typeName[K](), typeName[V]())
}
func (m SortedMap[K, V]) dropAll(v *overlay.View) {
	p := m.inner()
	overlay.DropTable[V](v, &p)
}
func (m *SortedMap[K, V]) declare(d *overlay.Decl) []error {
	leaf, mistakes := leafOf[V]()
	d.Leaf = leaf
	m.p = overlay.Path{Decl: d}
	return append(mistakes, m.check()...)
}

func leafAny[V any]() (any, error) {
	leaf, mistakes := leafOf[V]()
	if len(mistakes) > 0 {
		return leaf, mistakes[0]
	}
	return leaf, nil
}

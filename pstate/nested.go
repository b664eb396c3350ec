package pstate

import (
	"fmt"
	"iter"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// MapOf is a map whose values are structures of their own, stored and read
// element by element: maps of maps, of sorted maps, of sets, to any depth.
//
// A key is there from the first write beneath it until Delete, also while its
// structure is empty.
type MapOf[K comparable, H Handle[H]] struct{ p overlay.Path }

// Key leads to the structure under k.
func (m MapOf[K, H]) Key(k K) H {
	var h H
	return h.at(m.p.With(segment(k), store.SortedSet))
}

// Has reports whether anything was written under k.
func (m MapOf[K, H]) Has(r Reader, k K) (bool, error) {
	p := m.p.With(segment(k), store.SortedSet)
	return overlay.Has(r.StateView(), &p)
}

// Len returns the number of keys.
func (m MapOf[K, H]) Len(r Reader) (int, error) {
	p := m.inner()
	return overlay.Len[struct{}](r.StateView(), &p)
}

// Keys returns the keys, in their natural order (keys of other types than strings, integers and bool: by their JSON).
func (m MapOf[K, H]) Keys(r Reader) iter.Seq2[K, error] {
	return func(yield func(K, error) bool) {
		var zero K
		var failure error
		p := m.inner()
		err := overlay.Scan(r.StateView(), &p, store.Span{}, func(field string, _ struct{}) bool {
			key, err := parseKey[K](field)
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

// Delete removes the key and everything under it.
func (m MapOf[K, H]) Delete(w Writer, k K) {
	v := w.StateView()
	m.Key(k).dropAll(v)
	p := m.p.With(segment(k), store.SortedSet)
	overlay.Delete[struct{}](v, &p)
}

func (m MapOf[K, H]) inner() overlay.Path { return m.p.With(wire.Segment{}, store.SortedSet) }

func (m MapOf[K, H]) at(p overlay.Path) MapOf[K, H] { return MapOf[K, H]{p} }
func (m MapOf[K, H]) keyed(K)                       {}
func (m MapOf[K, H]) declared() *overlay.Decl       { return m.p.Decl }
func (m MapOf[K, H]) check() []error {
	var h H
	return append(checkKey[K](false), h.check()...)
}
func (m MapOf[K, H]) leaf() (any, error) {
	var h H
	return h.leaf()
}
func (m MapOf[K, H]) describe() string {
	var h H
	return fmt.Sprintf("map[%s] of %s", typeName[K](), h.describe())
}

// dropAll visits every noted key, so that nothing beneath is orphaned.
func (m MapOf[K, H]) dropAll(v *overlay.View) {
	p := m.inner()
	var fields []string
	err := overlay.Scan(v, &p, store.Span{}, func(field string, _ struct{}) bool {
		fields = append(fields, field)
		return true
	})
	if err != nil {
		return // noted in the view: the event fails
	}
	for _, field := range fields {
		if key, err := parseKey[K](field); err == nil {
			m.Key(key).dropAll(v)
		} else {
			v.Fail(err)
		}
	}
	overlay.DropTable[struct{}](v, &p)
}

func (m *MapOf[K, H]) declare(d *overlay.Decl) []error {
	mistakes := m.check()
	leaf, err := m.leaf()
	if err != nil {
		mistakes = append(mistakes, err)
	}
	d.Leaf = leaf
	m.p = overlay.Path{Decl: d}
	return mistakes
}

package pstate

import (
	"fmt"
	"iter"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/store"
)

// MapOf is a map whose values are structures of their own, stored and read
// element by element: maps of maps, of sorted maps, of lists, of fixed keys, to any
// depth. Its keys are kept in their order.
//
// A key is there from the first write beneath it until Delete, also while its
// structure is empty.
type MapOf[K any, H Handle[H]] struct{ p overlay.Path }

// Key leads to the structure under k.
func (m MapOf[K, H]) Key(k K) H {
	var h H
	return h.at(m.p.Into(segment(m.p.Schema, k)))
}

// Has reports whether anything was written under k.
func (m MapOf[K, H]) Has(r Reader, k K) (bool, error) {
	p := m.element(k)
	return overlay.Has(r.StateView(), &p)
}

// Len returns the number of keys.
func (m MapOf[K, H]) Len(r Reader) (int, error) { return length(r, m.p, store.SortedSet) }

// Keys returns the keys, in their natural order (keys that have only a JSON form: by
// that).
func (m MapOf[K, H]) Keys(r Reader) iter.Seq2[K, error] { return m.Range(r, Span[K]{}) }

// Range returns the keys of a span in order; see SortedMap.Range.
func (m MapOf[K, H]) Range(r Reader, span Span[K]) iter.Seq2[K, error] {
	return rangeKeys(r, m.p, span)
}

// Delete removes the key and everything under it: a command for each structure,
// whatever its size. More than 10,000 structures fail the event with ErrTooMany.
func (m MapOf[K, H]) Delete(w Writer, k K) {
	v, inner, p := w.StateView(), m.p.Into(segment(m.p.Schema, k)), m.element(k)
	overlay.Drop(v, &inner)
	overlay.Delete[struct{}](v, &p)
}

// DeletePart removes at most so many structures under the key, 10,000 at most, and
// reports whether nothing is left; the key goes with the last of them. What is left
// can still be read. A handler deletes a large one with a step that sends itself the
// key until DeletePart reports true.
func (m MapOf[K, H]) DeletePart(w Writer, k K, most int) (done bool) {
	v, inner, p := w.StateView(), m.p.Into(segment(m.p.Schema, k)), m.element(k)
	if !overlay.DropPart(v, &inner, most) {
		return false
	}
	overlay.Delete[struct{}](v, &p)
	return true
}

// Clear removes all keys and everything under them, like Delete.
func (m MapOf[K, H]) Clear(w Writer) { overlay.Drop(w.StateView(), &m.p) }

func (m MapOf[K, H]) element(k K) overlay.Path {
	return m.p.With(segment(m.p.Schema, k), store.SortedSet)
}

func (m MapOf[K, H]) at(p overlay.Path) MapOf[K, H] { return MapOf[K, H]{p} }
func (m *MapOf[K, H]) bind(p overlay.Path)          { m.p = p }
func (m MapOf[K, H]) path() *overlay.Path           { return &m.p }
func (m MapOf[K, H]) keyed(K)                       {}
func (m MapOf[K, H]) shape(s *shaper) *overlay.Schema {
	var h H
	out := keyed[K](s, &overlay.Schema{Kind: overlay.KindMapOf}, false)
	out.Elem = s.inside(h.shape)
	out.Text = fmt.Sprintf("map[%s] of %s", typeName[K](), out.Elem.Text)
	return out
}

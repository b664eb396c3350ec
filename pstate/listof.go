package pstate

import (
	"fmt"
	"iter"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// ListOf is a list whose elements are structures of their own. It grows and shrinks at
// its end. Indexes count from 0.
type ListOf[H Handle[H]] struct{ p overlay.Path }

// Push adds an element at the end and leads to its structure, which is empty.
func (l ListOf[H]) Push(w Writer) H {
	var h H
	n, _ := l.Len(w) // an error has failed the event
	var none struct{}
	p := l.element(n)
	overlay.Set(w.StateView(), &p, &none)
	return h.at(l.p.Into(index(n)))
}

// Pop removes the last element and everything under it, like MapOf.Delete; ok is false
// if the list is empty.
func (l ListOf[H]) Pop(w Writer) (ok bool) {
	n, err := l.Len(w)
	if err != nil || n == 0 {
		return false
	}
	v, inner, p := w.StateView(), l.p.Into(index(n-1)), l.element(n-1)
	overlay.Drop(v, &inner)
	overlay.Delete[struct{}](v, &p)
	return true
}

// At leads to the structure at an index; ErrIndex if the list does not have it.
func (l ListOf[H]) At(r Reader, i int) (h H, err error) {
	p := l.element(i)
	ok, err := overlay.Has(r.StateView(), &p)
	if err == nil && !ok {
		err = fmt.Errorf("%w: %d", ErrIndex, i)
	}
	if err != nil {
		return h, err
	}
	return h.at(l.p.Into(index(i))), nil
}

// Len returns the number of elements.
func (l ListOf[H]) Len(r Reader) (int, error) { return length(r, l.p, store.SortedSet) }

// All returns the structures in order, as many as there were at the beginning.
func (l ListOf[H]) All(r Reader) iter.Seq2[H, error] {
	return func(yield func(H, error) bool) {
		var h H
		n, err := l.Len(r)
		if err != nil {
			yield(h, err)
			return
		}
		for i := range n {
			if !yield(h.at(l.p.Into(index(i))), nil) {
				return
			}
		}
	}
}

// Clear removes all elements and everything under them, like MapOf.Clear.
func (l ListOf[H]) Clear(w Writer) { overlay.Drop(w.StateView(), &l.p) }

func index(i int) wire.Segment { return wire.Segment{Kind: wire.SegmentInt, Number: int64(i)} }

func (l ListOf[H]) element(i int) overlay.Path { return l.p.With(index(i), store.SortedSet) }

func (l ListOf[H]) at(p overlay.Path) ListOf[H] { return ListOf[H]{p} }
func (l *ListOf[H]) bind(p overlay.Path)        { l.p = p }
func (l ListOf[H]) path() *overlay.Path         { return &l.p }
func (l ListOf[H]) shape(s *shaper) *overlay.Schema {
	var h H
	out := &overlay.Schema{Kind: overlay.KindListOf, Elem: s.inside(h.shape)}
	out.Text = "list of " + out.Elem.Text
	return out
}

package pstate

import (
	"fmt"
	"iter"

	"github.com/coppice-run/coppice/internal/overlay"
)

// List is a list whose elements are stored and read one by one. It grows and shrinks
// at both ends: a stack, a queue, or the latest of something. Indexes count from 0 at
// the first element.
type List[T any] struct{ p overlay.Path }

// Push adds an element at the end.
func (l List[T]) Push(w Writer, value T) { overlay.ListPush(w.StateView(), &l.p, &value, false) }

// PushFront adds an element at the beginning: the indexes of all others grow by one.
func (l List[T]) PushFront(w Writer, value T) { overlay.ListPush(w.StateView(), &l.p, &value, true) }

// Pop removes the last element and returns it; ok is false if the list is empty.
func (l List[T]) Pop(w Writer) (value T, ok bool) {
	return overlay.ListPop[T](w.StateView(), &l.p, false)
}

// PopFront removes the first element and returns it; ok is false if the list is empty.
func (l List[T]) PopFront(w Writer) (value T, ok bool) {
	return overlay.ListPop[T](w.StateView(), &l.p, true)
}

// Get returns the element at an index and whether there is one.
func (l List[T]) Get(r Reader, index int) (value T, ok bool, err error) {
	return overlay.ListGet[T](r.StateView(), &l.p, index)
}

// Set replaces the element at an index. One that the list does not have fails the
// event with ErrIndex.
func (l List[T]) Set(w Writer, index int, value T) {
	overlay.ListSet(w.StateView(), &l.p, index, &value)
}

// Len returns the number of elements.
func (l List[T]) Len(r Reader) (int, error) { return overlay.ListLen(r.StateView(), &l.p) }

// Range returns the elements of a span of indexes; see SortedMap.Range.
func (l List[T]) Range(r Reader, span Span[int]) iter.Seq2[Entry[int, T], error] {
	return func(yield func(Entry[int, T], error) bool) {
		err := overlay.ListScan(r.StateView(), &l.p, indexes(span), func(index int, value T) bool {
			return yield(Entry[int, T]{index, value}, nil)
		})
		if err != nil {
			yield(Entry[int, T]{}, err)
		}
	}
}

// Clear removes all elements, in one command whatever their number.
func (l List[T]) Clear(w Writer) { overlay.Drop(w.StateView(), &l.p) }

func (l List[T]) at(p overlay.Path) List[T] { return List[T]{p} }
func (l *List[T]) bind(p overlay.Path)      { l.p = p }
func (l List[T]) path() *overlay.Path       { return &l.p }
func (l List[T]) shape(s *shaper) *overlay.Schema {
	out := valued[T](s, overlay.KindList)
	out.Text = fmt.Sprintf("list[%s]", typeName[T]())
	return out
}

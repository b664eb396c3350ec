package overlay

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// A list is a table of its elements by position, and its bounds beside them
// (store.Bounds). Positions are those of the table, indexes count from the first
// element.

// boundsColumn is where a list's table keeps the bounds.
const boundsColumn = 1

func boundsPath(p *Path) Path {
	b := p.With(wire.Segment{Kind: wire.SegmentText, Text: store.BoundsField}, store.List)
	b.column = boundsColumn
	return b
}

func positionPath(p *Path, position int64) Path {
	return p.With(wire.Segment{Kind: wire.SegmentPosition, Number: position}, store.List)
}

func boundsOf(v *View, p *Path) (store.Bounds, error) {
	path := boundsPath(p)
	b, _, err := Lookup[store.Bounds](v, &path)
	return b, err
}

func setBounds(v *View, p *Path, b store.Bounds) {
	path := boundsPath(p)
	if b.First == b.Next {
		Delete[store.Bounds](v, &path)
		return
	}
	Set(v, &path, &b)
}

// ListLen returns the number of elements of the list that the path leads to.
func ListLen(v *View, p *Path) (int, error) {
	b, err := boundsOf(v, p)
	return b.Len(), err
}

// ListGet returns the element at an index and whether there is one.
func ListGet[T any](v *View, p *Path, index int) (value T, found bool, err error) {
	if v.direct != nil {
		err = listScanDirect(v, p, ListSpan{From: index, To: min(index, ListEnd) + 1}, func(_ int, t T) bool {
			value, found = t, true
			return false
		})
		return value, found, err
	}
	b, err := boundsOf(v, p)
	if err != nil || index < 0 || index >= b.Len() {
		return value, false, err
	}
	path := positionPath(p, b.First+int64(index))
	return Lookup[T](v, &path)
}

// ListSet replaces the element at an index; one that there is not fails the event.
func ListSet[T any](v *View, p *Path, index int, value *T) {
	if !v.mayWrite(p) {
		return
	}
	b, err := boundsOf(v, p)
	if err != nil {
		return
	}
	if index < 0 || index >= b.Len() {
		_ = v.refuse(p.Decl, fmt.Errorf("%w: index %d of a list of %d", ErrIndex, index, b.Len()))
		return
	}
	path := positionPath(p, b.First+int64(index))
	Set(v, &path, value)
}

// ListPush adds an element behind the last, or before the first.
func ListPush[T any](v *View, p *Path, value *T, front bool) {
	if !v.mayWrite(p) {
		return
	}
	b, err := boundsOf(v, p)
	if err != nil {
		return
	}
	position := b.Next
	if front {
		b.First--
		position = b.First
	} else {
		b.Next++
	}
	path := positionPath(p, position)
	Set(v, &path, value)
	setBounds(v, p, b)
}

// ListPop removes the last element, or the first, and returns it.
func ListPop[T any](v *View, p *Path, front bool) (value T, found bool) {
	if !v.mayWrite(p) {
		return value, false
	}
	b, err := boundsOf(v, p)
	if err != nil || b.Len() == 0 {
		return value, false
	}
	position := b.Next - 1
	if front {
		position = b.First
		b.First++
	} else {
		b.Next--
	}
	path := positionPath(p, position)
	value, found, err = Lookup[T](v, &path)
	if err != nil {
		return value, false
	}
	Delete[T](v, &path)
	setBounds(v, p, b)
	return value, found
}

// ListRemove removes the elements at some indexes, which rise or fall; those behind
// them, or before if that are fewer, move up. It reads and writes what moves.
func ListRemove[T any](v *View, p *Path, indexes []int) {
	if !v.mayWrite(p) {
		return
	}
	b, err := boundsOf(v, p)
	if err != nil {
		return
	}
	slices.Sort(indexes)
	indexes = slices.Compact(indexes)
	first, last, n := indexes[0], indexes[len(indexes)-1], b.Len()
	if first < 0 || last >= n {
		_ = v.refuse(p.Decl, fmt.Errorf("%w: indexes %d to %d of a list of %d", ErrIndex, first, last, n))
		return
	}
	front := last+1 < n-first
	span, to, step := ListSpan{From: first, To: n}, first, 1
	if front {
		span, to, step = ListSpan{To: last + 1, Reverse: true}, last, -1
	}
	err = ListScan(v, p, span, func(i int, value T) bool {
		if _, gone := slices.BinarySearch(indexes, i); !gone {
			path := positionPath(p, b.First+int64(to))
			Set(v, &path, &value)
			to += step
		}
		return v.failure == nil
	})
	if err != nil {
		return
	}
	for range indexes {
		position := b.Next - 1
		if front {
			position = b.First
			b.First++
		} else {
			b.Next--
		}
		path := positionPath(p, position)
		Delete[T](v, &path)
	}
	setBounds(v, p, b)
}

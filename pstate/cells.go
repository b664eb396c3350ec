package pstate

import (
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/place"
	"github.com/coppice-run/coppice/store"
)

// valueCell is an element of a map, or one value.
type valueCell[T any] struct{ p overlay.Path }

func (c *valueCell[T]) Lookup(v *overlay.View) (T, bool, error) { return overlay.Lookup[T](v, &c.p) }
func (c *valueCell[T]) Set(v *overlay.View, t T)                { overlay.Set(v, &c.p, &t) }
func (c *valueCell[T]) Remove(v *overlay.View)                  { overlay.Delete[T](v, &c.p) }

// structureCell is a structure under a key of a MapOf.
type structureCell[H Located] struct{ h H }

func (c *structureCell[H]) Lookup(v *overlay.View) (H, bool, error) {
	note := c.h.path().Note()
	found, err := overlay.Has(v, &note)
	return c.h, found, err
}
func (c *structureCell[H]) Set(*overlay.View, H) {} // the mode does not allow it
func (c *structureCell[H]) Remove(v *overlay.View) {
	inner := c.h.path()
	note := inner.Note()
	overlay.Drop(v, inner)
	overlay.Delete[struct{}](v, &note)
}

// rowCell is a structure in a ListOf.
type rowCell[H any] struct{ h H }

func (c rowCell[H]) Lookup(*overlay.View) (H, bool, error) { return c.h, true, nil }
func (c rowCell[H]) Set(*overlay.View, H)                  {}
func (c rowCell[H]) Remove(*overlay.View)                  {}

// wholeCell is a structure that is always there: a PState, one of fixed keys.
type wholeCell[H Located] struct{ h H }

func (c wholeCell[H]) Lookup(*overlay.View) (H, bool, error) { return c.h, true, nil }
func (c wholeCell[H]) Set(*overlay.View, H)                  {}
func (c wholeCell[H]) Remove(v *overlay.View) {
	overlay.Drop(v, c.h.path())
}

// memberCell is an element of a set. Replacing it takes the old one out. While the set is
// gone through, new ones come in at the end: they are not met again.
type memberCell[T any] struct {
	t     T
	p     overlay.Path
	of    func(T) overlay.Path
	after *[]func() // nil: at once
}

func (c *memberCell[T]) Lookup(v *overlay.View) (T, bool, error) {
	found, err := overlay.Has(v, &c.p)
	return c.t, found, err
}
func (c *memberCell[T]) Set(v *overlay.View, t T) {
	c.Remove(v)
	c.t, c.p = t, c.of(t)
	p := c.p
	put := func() {
		var none struct{}
		overlay.Set(v, &p, &none)
	}
	if c.after == nil {
		put()
		return
	}
	*c.after = append(*c.after, put)
}
func (c *memberCell[T]) Remove(v *overlay.View) { overlay.Delete[struct{}](v, &c.p) }

// itemCell is an element of a List. While the list is gone through, what is removed
// leaves it at the end: indexes do not move before.
type itemCell[T any] struct {
	p       *overlay.Path
	index   int
	removed *[]int // nil: at once
}

func (c *itemCell[T]) Lookup(v *overlay.View) (T, bool, error) {
	return overlay.ListGet[T](v, c.p, c.index)
}
func (c *itemCell[T]) Set(v *overlay.View, t T) { overlay.ListSet(v, c.p, c.index, &t) }
func (c *itemCell[T]) Remove(v *overlay.View) {
	if c.removed != nil {
		*c.removed = append(*c.removed, c.index)
		return
	}
	overlay.ListRemove[T](v, c.p, []int{c.index})
}

func (v Value[T]) held() place.Place[T] { return place.Place[T]{Cell: &valueCell[T]{v.p}} }

func (m Map[K, V]) under(k K, _ place.Value) place.Place[V] {
	return place.Place[V]{Cell: &valueCell[V]{m.Key(k).p}}
}

func (m SortedMap[K, V]) under(k K, _ place.Value) place.Place[V] {
	return place.Place[V]{Cell: &valueCell[V]{m.Key(k).p}}
}

func (m SortedMap[K, V]) entries(s scan[K], yield func(K, place.Place[V], place.Value) bool) error {
	return eachEntry(s.view, m.p, s.span, func(key K, value V) bool {
		at := place.Place[V]{Value: value, Known: true, There: true, Of: s.view.Moment()}
		if s.writing {
			at.Cell = &valueCell[V]{m.Key(key).p}
		}
		return yield(key, at, place.Value{})
	})
}

func (m MapOf[K, H]) under(k K, _ place.Structure) place.Place[H] {
	cell := &structureCell[H]{m.Key(k)}
	return place.Place[H]{Value: cell.h, Known: true, Cell: cell}
}

func (m MapOf[K, H]) entries(s scan[K], yield func(K, place.Place[H], place.Structure) bool) error {
	return eachKey(s.view, m.p, s.span, func(key K) bool {
		at := m.under(key, place.Structure{})
		at.There, at.Of = true, s.view.Moment()
		return yield(key, at, place.Structure{})
	})
}

func (s Set[T]) member(t T) place.Place[T] {
	return place.Place[T]{Cell: &memberCell[T]{t, s.element(t), s.element, nil}}
}

func (s SortedSet[T]) member(t T) place.Place[T] {
	return place.Place[T]{Cell: &memberCell[T]{t, s.element(t), s.element, nil}}
}

func (s SortedSet[T]) elements(sc scan[T], yield func(T, place.Place[T], place.Value) bool) error {
	return eachKey(sc.view, s.p, sc.spanned(), func(t T) bool {
		at := place.Place[T]{Value: t, Known: true, There: true, Of: sc.view.Moment()}
		if sc.writing {
			at.Cell = &memberCell[T]{t, s.element(t), s.element, sc.after}
		}
		return yield(t, at, place.Value{})
	})
}

func (l List[T]) nth(v *overlay.View, i int, _ place.Value) (at place.Place[T], found bool, err error) {
	if i < 0 {
		return at, false, nil
	}
	value, found, err := overlay.ListGet[T](v, &l.p, i)
	return place.Place[T]{Value: value, Known: true, There: found, Cell: &itemCell[T]{p: &l.p, index: i}, Of: v.Moment()}, found, err
}

func (l List[T]) elements(s scan[int], yield func(int, place.Place[T], place.Value) bool) error {
	var removed []int
	err := overlay.ListScan(s.view, &l.p, indexes(s.spanned()), func(i int, value T) bool {
		at := place.Place[T]{Value: value, Known: true, There: true, Of: s.view.Moment()}
		if s.writing {
			at.Cell = &itemCell[T]{&l.p, i, &removed}
		}
		return yield(i, at, place.Value{})
	})
	if s.writing {
		*s.after = append(*s.after, func() {
			if len(removed) > 0 {
				overlay.ListRemove[T](s.view, &l.p, removed)
			}
		})
	}
	return err
}

func (l ListOf[H]) row(i int) place.Place[H] {
	var h H
	h = h.at(l.p.Into(index(i)))
	return place.Place[H]{Value: h, Known: true, There: true, Cell: rowCell[H]{h}}
}

func (l ListOf[H]) nth(v *overlay.View, i int, _ place.Row) (place.Place[H], bool, error) {
	p := l.element(i)
	found, err := overlay.Has(v, &p)
	return l.row(i), found, err
}

func (l ListOf[H]) elements(s scan[int], yield func(int, place.Place[H], place.Row) bool) error {
	n, err := length(reader{s.view}, l.p, store.SortedSet)
	if err != nil {
		return err
	}
	part := indexes(s.spanned())
	from, to := max(part.From, 0), min(part.To, n)
	if part.Limit > 0 && part.Reverse {
		from = max(from, to-part.Limit)
	} else if part.Limit > 0 {
		to = min(to, from+part.Limit)
	}
	for i := range max(to-from, 0) {
		i += from
		if part.Reverse {
			i = to - 1 - (i - from)
		}
		if !yield(i, l.row(i), place.Row{}) {
			break
		}
	}
	return nil
}

// reader makes a view a Reader.
type reader struct{ view *overlay.View }

func (r reader) StateView() *overlay.View { return r.view }

package pstate

import (
	"github.com/coppice-run/coppice/internal/overlay"
)

// Value is one value: a whole PState with one value per task, an element of
// a map, or one of fixed keys.
//
// A value can be nil, where its type can: it is then present, which Lookup tells from
// absent.
type Value[T any] struct{ p overlay.Path }

// Get returns the value, zero if absent.
func (v Value[T]) Get(r Reader) (T, error) {
	value, _, err := overlay.Lookup[T](r.StateView(), &v.p)
	return value, err
}

// Lookup returns the value and whether it is there.
func (v Value[T]) Lookup(r Reader) (T, bool, error) {
	return overlay.Lookup[T](r.StateView(), &v.p)
}

// Set writes the value. It does not read the old one.
func (v Value[T]) Set(w Writer, value T) { overlay.Set(w.StateView(), &v.p, &value) }

// Update replaces the value (zero if absent) by f of it and returns the new one.
func (v Value[T]) Update(w Writer, f func(T) T) T {
	return overlay.Update(w.StateView(), &v.p, f)
}

// Delete removes the value.
func (v Value[T]) Delete(w Writer) { overlay.Delete[T](w.StateView(), &v.p) }

func (v *Value[T]) bind(p overlay.Path) { v.p = p }
func (v Value[T]) shape(s *shaper) *overlay.Schema {
	out := valued[T](s, overlay.KindValue)
	out.Text = typeName[T]()
	return out
}

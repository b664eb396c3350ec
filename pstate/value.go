package pstate

import (
	"fmt"
	"reflect"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/store"
)

// Value is one value: a whole PState with one value per task, or an element of
// a map.
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

func (v *Value[T]) declare(d *overlay.Decl) []error {
	leaf, mistakes := leafOf[T]()
	d.Leaf = leaf
	v.p = overlay.Path{Decl: d, Kind: store.Value}
	return mistakes
}

func (v *Value[T]) describe() string { return typeName[T]() }

// leafOf makes the codec of a value type.
func leafOf[T any]() (*codec.Codec[T], []error) {
	leaf, err := codec.JSON[T]()
	if err != nil {
		return &leaf, []error{fmt.Errorf("value type %v: %w", reflect.TypeFor[T](), err)}
	}
	return &leaf, nil
}

func typeName[T any]() string { return reflect.TypeFor[T]().String() }

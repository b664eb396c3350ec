package model

import (
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

// valueModel is one value, which may have an initial one.
type valueModel[T any] struct {
	draw    gen[T]
	initial *T
	field   bool // among fixed keys, whose table is theirs
	have    *T
}

func (m *valueModel[T]) now() found[T] {
	switch {
	case m.have != nil:
		return found[T]{*m.have, true}
	case m.initial != nil:
		return found[T]{*m.initial, true}
	}
	return found[T]{}
}

func (m *valueModel[T]) act(x *run, h pstate.Value[T], name string) {
	switch x.random.IntN(5) {
	case 0:
		v := m.draw(x.random)
		x.note("%s.Set(%s)", name, show(v))
		h.Set(x.owner, v)
		put(&x.journal, &m.have, &v)
		x.wrote = true
	case 1:
		v, before := m.draw(x.random), m.now().Value
		var saw T
		x.note("%s.Update(%s)", name, show(v))
		got := h.Update(x.owner, func(old T) T { saw = old; return v })
		x.expect(name+".Update's old value", saw, before, nil)
		x.expect(name+".Update", got, v, nil)
		put(&x.journal, &m.have, &v)
		x.wrote = true
	case 2:
		x.note("%s.Delete()", name)
		h.Delete(x.owner)
		m.clear(x)
	default:
		x.note("%s.Lookup()", name)
		m.look(x, x.owner, h, name)
	}
}

func (m *valueModel[T]) look(x *run, r pstate.Reader, h pstate.Value[T], name string) {
	v, ok, err := h.Lookup(r)
	x.expect(name+".Lookup", found[T]{v, ok}, m.now(), err)
}

func (m *valueModel[T]) clear(x *run) { put(&x.journal, &m.have, nil) }

func (m *valueModel[T]) keys(k *keySet, segments []string) {
	if m.have != nil && !m.field {
		k.add(store.Value, segments)
	}
}

package model

import (
	"math/rand/v2"
	"slices"

	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

// listModel is a list. Its slice is never changed in place: the journal holds older
// ones.
type listModel[T any] struct {
	draw gen[T]
	many int // elements that one operation may push at once
	have []T
}

func (m *listModel[T]) act(x *run, h pstate.List[T], name string) {
	switch x.random.IntN(12) {
	case 0, 1, 2:
		next := slices.Clone(m.have)
		front := x.one(30)
		for range x.some(m.many) {
			v := m.draw(x.random)
			if front {
				x.note("%s.PushFront(%s)", name, show(v))
				h.PushFront(x.owner, v)
				next = slices.Insert(next, 0, v)
			} else {
				x.note("%s.Push(%s)", name, show(v))
				h.Push(x.owner, v)
				next = append(next, v)
			}
		}
		put(&x.journal, &m.have, next)
		x.wrote = true
	case 3, 4:
		m.pop(x, h, name)
	case 5:
		if len(m.have) > 0 {
			i, v := x.random.IntN(len(m.have)), m.draw(x.random)
			x.note("%s.Set(%d, %s)", name, i, show(v))
			h.Set(x.owner, i, v)
			next := slices.Clone(m.have)
			next[i] = v
			put(&x.journal, &m.have, next)
			x.wrote = true
		}
	case 6:
		n, err := h.Len(x.owner)
		x.note("%s.Len() %d", name, n)
		x.expect(name+".Len", n, len(m.have), err)
	case 7:
		if x.one(20) {
			x.note("%s.Clear()", name)
			h.Clear(x.owner)
			m.clear(x)
		}
	case 8, 9:
		m.rangeOver(x, x.owner, h, name, drawSpan(x, func(r *rand.Rand) int { return r.IntN(len(m.have)+4) - 2 }))
	default:
		m.lookAt(x, x.owner, h, name, x.random.IntN(len(m.have)+4)-2)
	}
}

func (m *listModel[T]) pop(x *run, h pstate.List[T], name string) {
	var want found[T]
	next := m.have
	front := x.one(50)
	switch {
	case len(m.have) == 0:
	case front:
		want, next = found[T]{m.have[0], true}, m.have[1:]
	default:
		want, next = found[T]{m.have[len(m.have)-1], true}, m.have[:len(m.have)-1]
	}
	var got found[T]
	if front {
		x.note("%s.PopFront()", name)
		got.Value, got.There = h.PopFront(x.owner)
	} else {
		x.note("%s.Pop()", name)
		got.Value, got.There = h.Pop(x.owner)
	}
	x.expect(name+".Pop", got, want, nil)
	put(&x.journal, &m.have, next)
	x.wrote = x.wrote || len(next) > 0 // its bounds
}

func (m *listModel[T]) lookAt(x *run, r pstate.Reader, h pstate.List[T], name string, i int) {
	var want found[T]
	if i >= 0 && i < len(m.have) {
		want = found[T]{m.have[i], true}
	}
	x.note("%s.Get(%d)", name, i)
	v, ok, err := h.Get(r, i)
	x.expect(name+".Get", found[T]{v, ok}, want, err)
}

func (m *listModel[T]) rangeOver(x *run, r pstate.Reader, h pstate.List[T], name string, s span[int]) {
	x.note("%s.Range(%v)", name, s)
	indexes := make([]int, len(m.have))
	for i := range indexes {
		indexes[i] = i
	}
	var want, got []pstate.Entry[int, T]
	for _, i := range s.of(indexes, func(a, b int) int { return a - b }) {
		want = append(want, pstate.Entry[int, T]{Key: i, Val: m.have[i]})
	}
	for e, err := range h.Range(r, s.span()) {
		if err != nil {
			x.fail(err)
			return
		}
		got = append(got, e)
	}
	x.expect(name+".Range", got, want, nil)
}

func (m *listModel[T]) look(x *run, r pstate.Reader, h pstate.List[T], name string) {
	n, err := h.Len(r)
	x.expect(name+".Len", n, len(m.have), err)
	m.rangeOver(x, r, h, name, span[int]{})
	m.rangeOver(x, r, h, name, span[int]{reverse: true, limit: 2})
	for range 3 {
		m.lookAt(x, r, h, name, x.random.IntN(len(m.have)+2)-1)
	}
}

func (m *listModel[T]) clear(x *run) { put(&x.journal, &m.have, nil) }

func (m *listModel[T]) keys(k *keySet, segments []string) {
	if len(m.have) > 0 {
		k.add(store.List, segments)
	}
}

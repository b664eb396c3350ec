package model

import (
	"iter"
	"maps"
	"slices"

	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

// members is what Set and SortedSet have in common.
type members[T any] interface {
	Add(pstate.Writer, T) bool
	Remove(pstate.Writer, T) bool
	Has(pstate.Reader, T) (bool, error)
	Len(pstate.Reader) (int, error)
	Clear(pstate.Writer)
}

// sortedMembers is what a SortedSet has more than a Set, and what MapOf has, too.
type sortedMembers[T any] interface {
	Range(pstate.Reader, pstate.Span[T]) iter.Seq2[T, error]
}

// setModel is a set, or a sorted one.
type setModel[T comparable, H members[T]] struct {
	draw    gen[T]
	compare func(a, b T) int // of a sorted set
	have    map[T]bool
}

func newSet[T comparable](draw gen[T]) *setModel[T, pstate.Set[T]] {
	return &setModel[T, pstate.Set[T]]{draw: draw, have: map[T]bool{}}
}

func newSortedSet[T comparable](draw gen[T], compare func(a, b T) int) *setModel[T, pstate.SortedSet[T]] {
	return &setModel[T, pstate.SortedSet[T]]{draw: draw, compare: compare, have: map[T]bool{}}
}

func (m *setModel[T, H]) act(x *run, h H, name string) {
	t := m.draw(x.random)
	yes := true
	switch x.random.IntN(8) {
	case 0, 1, 2:
		x.note("%s.Add(%s)", name, show(t))
		x.expect(name+".Add", h.Add(x.owner, t), !m.have[t], nil)
		if !m.have[t] {
			putKey(&x.journal, m.have, t, &yes)
			x.wrote = true
		}
	case 3:
		x.note("%s.Remove(%s)", name, show(t))
		x.expect(name+".Remove", h.Remove(x.owner, t), m.have[t], nil)
		putKey(&x.journal, m.have, t, nil)
	case 4:
		n, err := h.Len(x.owner)
		x.note("%s.Len() %d", name, n)
		x.expect(name+".Len", n, len(m.have), err)
	case 5:
		if x.one(20) {
			x.note("%s.Clear()", name)
			h.Clear(x.owner)
			m.clear(x)
		}
	case 6:
		if s, ok := any(h).(sortedMembers[T]); ok {
			rangeKeys(x, x.owner, s, name, drawSpan(x, m.draw), slices.Collect(maps.Keys(m.have)), m.compare)
		}
	default:
		m.lookAt(x, x.owner, h, name, t)
	}
}

func (m *setModel[T, H]) lookAt(x *run, r pstate.Reader, h H, name string, t T) {
	has, err := h.Has(r, t)
	x.expect(name+".Has("+show(t)+")", has, m.have[t], err)
}

// rangeKeys compares a range over keys without values.
func rangeKeys[T any](x *run, r pstate.Reader, h sortedMembers[T], name string, s span[T], have []T, compare func(a, b T) int) {
	x.note("%s.Range(%v)", name, s)
	var got []T
	for t, err := range h.Range(r, s.span()) {
		if err != nil {
			x.fail(err)
			return
		}
		got = append(got, t)
	}
	want := s.of(have, compare)
	if len(got) == 0 && len(want) == 0 {
		return
	}
	x.expect(name+".Range", got, want, nil)
}

func (m *setModel[T, H]) look(x *run, r pstate.Reader, h H, name string) {
	n, err := h.Len(r)
	x.expect(name+".Len", n, len(m.have), err)
	if s, ok := any(h).(sortedMembers[T]); ok {
		rangeKeys(x, r, s, name, span[T]{}, slices.Collect(maps.Keys(m.have)), m.compare)
	}
	for range 5 {
		m.lookAt(x, r, h, name, m.draw(x.random))
	}
}

func (m *setModel[T, H]) clear(x *run) { put(&x.journal, &m.have, map[T]bool{}) }

func (m *setModel[T, H]) keys(k *keySet, segments []string) {
	if len(m.have) == 0 {
		return
	}
	kind := store.Set
	if m.compare != nil {
		kind = store.SortedSet
	}
	k.add(kind, segments)
}

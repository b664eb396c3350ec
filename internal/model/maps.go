package model

import (
	"iter"
	"maps"
	"slices"

	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

// elements is what Map and SortedMap have in common.
type elements[K, V any] interface {
	Key(K) pstate.Value[V]
	Len(pstate.Reader) (int, error)
	Clear(pstate.Writer)
}

// mapModel is a map, or a sorted one.
type mapModel[K comparable, V any, H elements[K, V]] struct {
	key     gen[K]
	val     gen[V]
	compare func(a, b K) int // of a sorted map
	many    int              // elements that one operation may add at once
	have    map[K]V
}

func newMap[K comparable, V any](key gen[K], val gen[V]) *mapModel[K, V, pstate.Map[K, V]] {
	return &mapModel[K, V, pstate.Map[K, V]]{key: key, val: val, have: map[K]V{}}
}

func newSortedMap[K comparable, V any](key gen[K], val gen[V], compare func(a, b K) int) *mapModel[K, V, pstate.SortedMap[K, V]] {
	return &mapModel[K, V, pstate.SortedMap[K, V]]{key: key, val: val, compare: compare, have: map[K]V{}}
}

func (m *mapModel[K, V, H]) act(x *run, h H, name string) {
	k := m.key(x.random)
	switch x.random.IntN(10) {
	case 0, 1, 2:
		for range x.some(m.many) {
			v := m.val(x.random)
			x.note("%s[%s] = %s", name, show(k), show(v))
			h.Key(k).Set(x.owner, v)
			putKey(&x.journal, m.have, k, &v)
			k = m.key(x.random)
		}
		x.wrote = true
	case 3:
		v, before := m.val(x.random), m.have[k]
		var saw V
		x.note("%s[%s].Update(%s)", name, show(k), show(v))
		h.Key(k).Update(x.owner, func(old V) V { saw = old; return v })
		x.expect(name+".Update's old value", saw, before, nil)
		putKey(&x.journal, m.have, k, &v)
		x.wrote = true
	case 4:
		x.note("%s[%s].Delete()", name, show(k))
		h.Key(k).Delete(x.owner)
		putKey(&x.journal, m.have, k, nil)
	case 5:
		n, err := h.Len(x.owner)
		x.note("%s.Len() %d", name, n)
		x.expect(name+".Len", n, len(m.have), err)
	case 6:
		if x.one(20) {
			x.note("%s.Clear()", name)
			h.Clear(x.owner)
			m.clear(x)
		}
	case 7, 8:
		if s, ok := any(h).(sortedElements[K, V]); ok {
			m.rangeOver(x, x.owner, s, name, drawSpan(x, m.key))
		}
	default:
		m.lookAt(x, x.owner, h, name, k)
	}
}

func (m *mapModel[K, V, H]) lookAt(x *run, r pstate.Reader, h H, name string, k K) {
	v, ok, err := h.Key(k).Lookup(r)
	want, there := m.have[k]
	x.expect(name+"["+show(k)+"]", found[V]{v, ok}, found[V]{want, there}, err)
}

// sortedElements is what a SortedMap has more than a Map.
type sortedElements[K, V any] interface {
	Range(pstate.Reader, pstate.Span[K]) iter.Seq2[pstate.Entry[K, V], error]
}

func (m *mapModel[K, V, H]) rangeOver(x *run, r pstate.Reader, h sortedElements[K, V], name string, s span[K]) {
	x.note("%s.Range(%v)", name, s)
	var want, got []pstate.Entry[K, V]
	for _, k := range s.of(slices.Collect(maps.Keys(m.have)), m.compare) {
		want = append(want, pstate.Entry[K, V]{Key: k, Val: m.have[k]})
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

func (m *mapModel[K, V, H]) look(x *run, r pstate.Reader, h H, name string) {
	n, err := h.Len(r)
	x.expect(name+".Len", n, len(m.have), err)
	if s, ok := any(h).(sortedElements[K, V]); ok {
		m.rangeOver(x, r, s, name, span[K]{})
		m.rangeOver(x, r, s, name, span[K]{reverse: true, limit: 3})
	}
	for range 5 {
		m.lookAt(x, r, h, name, m.key(x.random))
	}
}

func (m *mapModel[K, V, H]) clear(x *run) { put(&x.journal, &m.have, map[K]V{}) }

func (m *mapModel[K, V, H]) keys(k *keySet, segments []string) {
	if len(m.have) == 0 {
		return
	}
	kind := store.Map
	if m.compare != nil {
		kind = store.SortedMap
	}
	k.add(kind, segments)
}

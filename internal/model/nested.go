package model

import (
	"fmt"

	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

// child is a structure in another one. It is there from the first write beneath it
// until it is deleted.
type child[H any] struct {
	actor[H]
	there bool
}

// mapOfModel is a map of structures.
type mapOfModel[K comparable, H pstate.Handle[H]] struct {
	key      gen[K]
	compare  func(a, b K) int
	make     func() actor[H]
	children map[K]*child[H]
}

func newMapOf[K comparable, H pstate.Handle[H]](key gen[K], compare func(a, b K) int, make func() actor[H]) *mapOfModel[K, H] {
	return &mapOfModel[K, H]{key: key, compare: compare, make: make, children: map[K]*child[H]{}}
}

func (m *mapOfModel[K, H]) child(k K) *child[H] {
	c := m.children[k]
	if c == nil {
		c = &child[H]{actor: m.make()}
		m.children[k] = c
	}
	return c
}

func (m *mapOfModel[K, H]) there() (keys []K) {
	for k, c := range m.children {
		if c.there {
			keys = append(keys, k)
		}
	}
	return keys
}

func (m *mapOfModel[K, H]) act(x *run, h pstate.MapOf[K, H], name string) {
	k := m.key(x.random)
	c := m.child(k)
	switch x.random.IntN(16) {
	case 0:
		x.note("%s.Delete(%s)", name, show(k))
		h.Delete(x.owner, k)
		m.drop(x, c)
	case 1:
		most := 1 + x.random.IntN(3)
		x.note("%s.DeletePart(%s, %d) until done", name, show(k), most)
		for rounds := 0; !h.DeletePart(x.owner, k, most); rounds++ {
			if rounds > 1000 {
				x.fail(fmt.Errorf("%s.DeletePart does not come to an end", name))
				return
			}
		}
		m.drop(x, c)
	case 2:
		if x.one(10) {
			x.note("%s.Clear()", name)
			h.Clear(x.owner)
			m.clear(x)
		}
	case 3:
		n, err := h.Len(x.owner)
		x.note("%s.Len() %d", name, n)
		x.expect(name+".Len", n, len(m.there()), err)
	case 4:
		m.lookAt(x, x.owner, h, name, k)
	case 5:
		rangeKeys(x, x.owner, h, name, drawSpan(x, m.key), m.there(), m.compare)
	default:
		before := x.wrote
		x.wrote = false
		c.act(x, h.Key(k), name+"/"+show(k))
		if x.wrote && !c.there {
			put(&x.journal, &c.there, true)
		}
		x.wrote = x.wrote || before
	}
}

func (m *mapOfModel[K, H]) lookAt(x *run, r pstate.Reader, h pstate.MapOf[K, H], name string, k K) {
	has, err := h.Has(r, k)
	x.expect(name+".Has("+show(k)+")", has, m.child(k).there, err)
}

func (m *mapOfModel[K, H]) drop(x *run, c *child[H]) {
	if c.there {
		put(&x.journal, &c.there, false)
	}
	c.clear(x)
}

func (m *mapOfModel[K, H]) look(x *run, r pstate.Reader, h pstate.MapOf[K, H], name string) {
	n, err := h.Len(r)
	x.expect(name+".Len", n, len(m.there()), err)
	rangeKeys(x, r, h, name, span[K]{}, m.there(), m.compare)
	m.lookAt(x, r, h, name, m.key(x.random))
	keys := (span[K]{}).of(keysOf(m.children), m.compare)
	if r == pstate.Reader(x.owner) {
		// An event reads element by element: some have to do.
		x.random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		keys = keys[:min(len(keys), 2)]
	}
	for _, k := range keys {
		m.children[k].look(x, r, h.Key(k), name+"/"+show(k))
	}
}

func (m *mapOfModel[K, H]) clear(x *run) {
	for _, k := range (span[K]{}).of(keysOf(m.children), m.compare) {
		m.drop(x, m.children[k])
	}
}

func (m *mapOfModel[K, H]) keys(k *keySet, segments []string) {
	if len(m.there()) > 0 {
		k.add(store.SortedSet, segments)
	}
	for key, c := range m.children {
		c.keys(k, under(segments, segmentOf(key)))
	}
}

func keysOf[K comparable, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// listOfModel is a list of structures.
type listOfModel[H pstate.Handle[H]] struct {
	make func() actor[H]
	have []actor[H]
}

func (m *listOfModel[H]) act(x *run, h pstate.ListOf[H], name string) {
	switch x.random.IntN(12) {
	case 0, 1:
		c := m.make()
		x.note("%s.Push()", name)
		pushed := h.Push(x.owner)
		put(&x.journal, &m.have, append(m.have[:len(m.have):len(m.have)], c))
		x.wrote = true
		c.look(x, x.owner, pushed, name+"/new")
	case 2:
		x.note("%s.Pop()", name)
		x.expect(name+".Pop", h.Pop(x.owner), len(m.have) > 0, nil)
		if n := len(m.have); n > 0 {
			put(&x.journal, &m.have, m.have[:n-1])
		}
	case 3:
		if x.one(10) {
			x.note("%s.Clear()", name)
			h.Clear(x.owner)
			m.clear(x)
		}
	case 4:
		n, err := h.Len(x.owner)
		x.note("%s.Len() %d", name, n)
		x.expect(name+".Len", n, len(m.have), err)
	default:
		i := x.random.IntN(len(m.have) + 1)
		x.note("%s.At(%d)", name, i)
		inner, err := h.At(x.owner, i)
		x.expect(name+".At is there", err == nil, i < len(m.have), nil)
		if err == nil && i < len(m.have) {
			m.have[i].act(x, inner, fmt.Sprintf("%s/%d", name, i))
		}
	}
}

func (m *listOfModel[H]) look(x *run, r pstate.Reader, h pstate.ListOf[H], name string) {
	n, err := h.Len(r)
	x.expect(name+".Len", n, len(m.have), err)
	i := 0
	for inner, err := range h.All(r) {
		if err != nil || i == len(m.have) {
			x.fail(fmt.Errorf("%s.All: %d elements of %d, %w", name, i, len(m.have), err))
			return
		}
		m.have[i].look(x, r, inner, fmt.Sprintf("%s/%d", name, i))
		i++
	}
}

func (m *listOfModel[H]) clear(x *run) { put(&x.journal, &m.have, nil) }

func (m *listOfModel[H]) keys(k *keySet, segments []string) {
	if len(m.have) > 0 {
		k.add(store.SortedSet, segments)
	}
	for i, c := range m.have {
		c.keys(k, under(segments, segmentOf(i)))
	}
}

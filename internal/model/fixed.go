package model

import (
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

// person is what fixed keys are tried with: values, structures, and fixed keys within.
type person struct {
	pstate.Fixed[person]
	Name pstate.Value[string]
	Age  pstate.Value[*int]
	Tags pstate.SortedSet[string]
	Home address
	Past pstate.MapOf[int, pstate.Map[string, int]]
}

type address struct {
	pstate.Fixed[address]
	Street pstate.Value[string]
	Rooms  pstate.List[int]
}

// field is one of fixed keys, with how a handle of them leads to it.
type field[S any] struct {
	name string
	actor[S]
}

// through makes an actor of a field an actor of the fixed keys.
func through[S, H any](name string, inner actor[H], to func(S) H) field[S] {
	return field[S]{name, throughField[S, H]{inner, to}}
}

type throughField[S, H any] struct {
	inner actor[H]
	to    func(S) H
}

func (f throughField[S, H]) act(x *run, h S, name string) { f.inner.act(x, f.to(h), name) }
func (f throughField[S, H]) look(x *run, r pstate.Reader, h S, name string) {
	f.inner.look(x, r, f.to(h), name)
}
func (f throughField[S, H]) clear(x *run)                      { f.inner.clear(x) }
func (f throughField[S, H]) keys(k *keySet, segments []string) { f.inner.keys(k, segments) }
func (f throughField[S, H]) value() (there bool, isValue bool) { return valueOf(f.inner) }
func valueOf(a any) (there, isValue bool) {
	v, ok := a.(interface{ stored() bool })
	return ok && v.stored(), ok
}

// stored reports whether a value of fixed keys is in their table.
func (m *valueModel[T]) stored() bool { return m.have != nil }

// fixedModel is fixed keys.
type fixedModel[S interface{ Clear(pstate.Writer) }] struct{ fields []field[S] }

func (m *fixedModel[S]) act(x *run, h S, name string) {
	if x.one(2) {
		x.note("%s.Clear()", name)
		h.Clear(x.owner)
		m.clear(x)
		return
	}
	f := m.fields[x.random.IntN(len(m.fields))]
	f.act(x, h, name+"."+f.name)
}

func (m *fixedModel[S]) look(x *run, r pstate.Reader, h S, name string) {
	for _, f := range m.fields {
		f.look(x, r, h, name+"."+f.name)
	}
}

func (m *fixedModel[S]) clear(x *run) {
	for _, f := range m.fields {
		f.clear(x)
	}
}

func (m *fixedModel[S]) keys(k *keySet, segments []string) {
	values := false
	for _, f := range m.fields {
		if there, isValue := f.actor.(interface{ value() (bool, bool) }).value(); isValue {
			values = values || there
			continue
		}
		f.keys(k, under(segments, f.name))
	}
	if values {
		k.add(store.Map, segments)
	}
}

func newPerson() *fixedModel[person] {
	return &fixedModel[person]{[]field[person]{
		through("Name", &valueModel[string]{draw: text, field: true}, func(p person) pstate.Value[string] { return p.Name }),
		through("Age", &valueModel[*int]{draw: maybe, field: true}, func(p person) pstate.Value[*int] { return p.Age }),
		through("Tags", newSortedSet(word, compareText), func(p person) pstate.SortedSet[string] { return p.Tags }),
		through("Home", &fixedModel[address]{[]field[address]{
			through("Street", &valueModel[string]{draw: text, field: true}, func(a address) pstate.Value[string] { return a.Street }),
			through("Rooms", &listModel[int]{draw: number}, func(a address) pstate.List[int] { return a.Rooms }),
		}}, func(p person) address { return p.Home }),
		through("Past", newMapOf(small, compareInt, func() actor[pstate.Map[string, int]] { return newMap(word, number) }), func(p person) pstate.MapOf[int, pstate.Map[string, int]] { return p.Past }),
	}}
}

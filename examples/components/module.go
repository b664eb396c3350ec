// Package components keeps a forest of components: each may have a parent, whose
// task is another one. Neither a parent nor a child may point to something that does
// not exist, although parents are deleted while children are created, creations
// fail, and any part of the work may run again.
//
// A stream has no transaction over tasks; a protocol of small steps takes its place
// (promises 0.27 to 0.39). A creation reserves its place at the parent, then
// persists the child, then confirms the place, or gives it back:
//
//	[child] create ─► [parent] reserve ─► [child] persist ─► [parent] confirm
//	                                           └─ refused ─► [parent] release
//
// A deletion closes the component, so that nothing is reserved there any more, deletes
// its children, and goes when they have gone:
//
//	[component] close ─► [children] close ─► … ─► [parent] detach, gone if empty
//
// Children that are about to come are deleted, too, but not at once: their creation is
// under way, and may be anywhere. Their deletion is scheduled instead, by an append to
// the depot that has the creation: behind it in the same partition.
//
// Each step may run again at any time, also late: it looks at what is there, and
// does nothing that was done. What was deleted once does not come back.
package components

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Module is the example.
type Module struct {
	Name string // of the module; default Components

	// Changes has creations and deletions in one order (promise 0.30).
	Changes module.Depot[Change]
	// Components are those that exist.
	Components pstate.Map[string, Component]
	// Children are the ids of a component's children.
	Children pstate.MapOf[string, pstate.SortedSet[string]]
	// future are children that are being created: nobody is shown them (promise 0.28).
	future pstate.MapOf[string, pstate.SortedSet[string]]
	// closed are the ids that are being, or were, deleted.
	closed pstate.Map[string, end]

	reserve module.Step[place]
	persist module.Step[place]
	confirm module.Step[place]
	release module.Step[place]
	remove  module.Step[place]
	detach  module.Step[place]

	naive bool // tests plant a bug with it
}

// Component is one entry of the forest.
type Component struct {
	Parent string // "" if it has none
	Text   string
}

// Change is a creation or a deletion.
type Change interface{ id() string }

// Create asks for a component. It is rejected if its parent does not exist.
type Create struct{ ID, Parent, Text string }

// Delete deletes a component and all below it; one that does not exist is no error.
type Delete struct {
	ID string
	// Of is the component whose deletion asks for it, where the module does so itself:
	// what belongs to another parent by then stays.
	Of string `json:",omitempty"`
}

func (c Create) id() string { return c.ID }
func (d Delete) id() string { return d.ID }

// end is that of a component: its parent is kept, to be told again if that was lost.
type end struct{ Parent string }

// of keeps the parent of a component that is closed, once it is known.
func (e end) of(c Component) end { return end{cmp.Or(e.Parent, c.Parent)} }

// place is a child at its parent.
type place struct{ Parent, Child, Text string }

// Errors of creations.
var (
	ErrNoParent = errors.New("the parent does not exist")
	ErrText     = errors.New("a component needs a text")
	ErrSelf     = errors.New("a component cannot be its own parent")
)

// Awaits reports whether a child is about to come to a parent, for tests and tools.
func (m *Module) Awaits(r pstate.Reader, parent, child string) (bool, error) {
	return m.future.Key(parent).Has(r, child)
}

// ModuleName names the module.
func (m *Module) ModuleName() string { return cmp.Or(m.Name, "Components") }

// Define declares it.
func (m *Module) Define(b *module.Builder) {
	module.HashDepot(b, &m.Changes, "changes", Change.id, module.Union(
		module.Variant[Create, Change]("create"), module.Variant[Delete, Change]("delete")))
	s := b.Stream("forest")
	s.PState(&m.Components, "components")
	s.PState(&m.Children, "children")
	s.PState(&m.future, "future")
	s.PState(&m.closed, "closed")
	atParent := func(p place) string { return p.Parent }
	atChild := func(p place) string { return p.Child }
	module.DeclareStep(s, &m.reserve, "reserve", module.At(&m.Components, atParent), m.onReserve)
	module.DeclareStep(s, &m.persist, "persist", module.At(&m.Components, atChild), m.onPersist)
	module.DeclareStep(s, &m.confirm, "confirm", module.At(&m.Components, atParent), m.onConfirm)
	module.DeclareStep(s, &m.release, "release", module.At(&m.Components, atParent), m.onRelease)
	module.DeclareStep(s, &m.remove, "remove", module.At(&m.Components, atChild), m.onRemove)
	module.DeclareStep(s, &m.detach, "detach", module.At(&m.Components, atParent), m.onDetach)
	module.DeclareSource(s, m.Changes, m.onChange, module.StartFromBeginning())
}

func (m *Module) onChange(ev *module.Event, c Change) error {
	switch c := c.(type) {
	case Create:
		p, err := asked(ev, c)
		if err != nil {
			return err
		}
		if p.Parent == "" {
			return m.onPersist(ev, p)
		}
		m.reserve.Send(ev, p)
	case Delete:
		return m.onRemove(ev, place{Parent: c.Of, Child: c.ID})
	}
	return nil
}

// asked is where a component is to come.
func asked(_ *module.Event, c Create) (place, error) {
	switch {
	case c.Text == "":
		return place{}, module.Reject(ErrText)
	case c.Parent == c.ID:
		return place{}, module.Reject(ErrSelf)
	}
	return place{c.Parent, c.ID, c.Text}, nil
}

func (m *Module) onReserve(ev *module.Event, p place) error {
	if err := m.reserved(ev, p); err != nil {
		return err
	}
	// Also where an attempt before has come to the end: what it persisted may be lost
	// with the tail of another server.
	m.persist.Send(ev, p)
	return nil
}

// reserved: the parent exists, and takes a child that is about to come.
func (m *Module) reserved(ev *module.Event, p place) error {
	if open, err := m.open(ev, p.Parent); err != nil || !open {
		return cmp.Or(err, module.Reject(fmt.Errorf("%s: %w", p.Parent, ErrNoParent)))
	}
	has, err := m.Children.Key(p.Parent).Has(ev, p.Child)
	switch {
	case err != nil:
		return err
	case m.naive:
		m.Children.Key(p.Parent).Add(ev, p.Child) // the bug: shown before it is there
	case !has:
		m.future.Key(p.Parent).Add(ev, p.Child)
	}
	return nil
}

// open reports whether a component exists and is not being deleted.
func (m *Module) open(ev *module.Event, id string) (bool, error) {
	_, exists, err := m.Components.Key(id).Lookup(ev)
	if err != nil || !exists {
		return false, err
	}
	_, closed, err := m.closed.Key(id).Lookup(ev)
	return !closed, err
}

func (m *Module) onPersist(ev *module.Event, p place) error {
	comes, err := m.persisted(ev, p)
	switch {
	case err != nil || p.Parent == "" || m.naive:
		return err
	case comes:
		m.confirm.Send(ev, p)
	default:
		m.release.Send(ev, p)
	}
	return nil
}

// persisted: the child comes to exist, unless it was deleted meanwhile or its id has
// another parent.
func (m *Module) persisted(ev *module.Event, p place) (comes bool, err error) {
	have, exists, err := m.Components.Key(p.Child).Lookup(ev)
	if err != nil {
		return false, err
	}
	_, closed, err := m.closed.Key(p.Child).Lookup(ev)
	switch {
	case err != nil || closed || exists && have.Parent != p.Parent:
		return false, err
	case !exists:
		m.Components.Key(p.Child).Set(ev, Component{p.Parent, p.Text})
	}
	return true, nil
}

// onConfirm: the child moves from those that are about to come to those that exist.
// Where the parent was closed meanwhile, its deletion has seen the reservation.
func (m *Module) onConfirm(ev *module.Event, p place) error {
	reserved, err := m.future.Key(p.Parent).Has(ev, p.Child)
	if err != nil || !reserved {
		return err
	}
	m.future.Key(p.Parent).Remove(ev, p.Child)
	m.Children.Key(p.Parent).Add(ev, p.Child)
	return nil
}

// onRelease: the child does not come.
func (m *Module) onRelease(ev *module.Event, p place) error { return m.onDetach(ev, p) }

// onRemove closes a component and removes what is below it; without anything below
// it goes at once. What is about to come is scheduled to be deleted, behind its creation
// (promise 0.29). A parent that removes what it only had a reservation for is told that
// it will not come, and what belongs to another parent stays.
func (m *Module) onRemove(ev *module.Event, p place) error {
	c, exists, err := m.Components.Key(p.Child).Lookup(ev)
	if err != nil {
		return err
	}
	if p.Parent != "" && !(exists && c.Parent == p.Parent) {
		m.detach.Send(ev, p)
	}
	if p.Parent != "" && exists && c.Parent != p.Parent {
		return nil
	}
	m.closed.Key(p.Child).Update(ev, func(e end) end { return e.of(c) })
	for child, err := range m.Children.Key(p.Child).Range(ev, pstate.All[string]()) {
		if err != nil {
			return err
		}
		m.remove.Send(ev, place{Parent: p.Child, Child: child})
	}
	for child, err := range m.future.Key(p.Child).Range(ev, pstate.All[string]()) {
		if err != nil {
			return err
		}
		m.Changes.Emit(ev, Delete{ID: child, Of: p.Child})
	}
	return m.goIfEmpty(ev, p.Child)
}

// onDetach takes a child that has gone, or will not come, off its parent; a parent
// that is being deleted goes with its last child (promise 0.38).
func (m *Module) onDetach(ev *module.Event, p place) error {
	_ = m.left(ev, p)
	if _, closed, err := m.closed.Key(p.Parent).Lookup(ev); err != nil || !closed {
		return err
	}
	return m.goIfEmpty(ev, p.Parent)
}

// left: the child is none of its parent's any more.
func (m *Module) left(ev *module.Event, p place) error {
	m.future.Key(p.Parent).Remove(ev, p.Child)
	m.Children.Key(p.Parent).Remove(ev, p.Child)
	return nil
}

// goIfEmpty ends a closed component that has nothing below it, and tells its parent.
func (m *Module) goIfEmpty(ev *module.Event, id string) error {
	parent, err := m.gone(ev, id)
	if parent != "" {
		m.detach.Send(ev, place{Parent: parent, Child: id})
	}
	return err
}

// gone ends a closed component that has nothing below it. The parent is "" if it stays,
// or has none.
func (m *Module) gone(ev *module.Event, id string) (parent string, err error) {
	for _, below := range []pstate.SortedSet[string]{m.Children.Key(id), m.future.Key(id)} {
		if n, err := below.Len(ev); err != nil || n > 0 {
			return "", err
		}
	}
	closed, err := m.closed.Key(id).Get(ev)
	if err != nil {
		return "", err
	}
	m.Components.Key(id).Delete(ev)
	return closed.Parent, nil
}

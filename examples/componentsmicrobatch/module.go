// Package componentsmicrobatch keeps the forest of package components in a microbatch
// topology: each component may have a parent, whose task is another one, and neither a
// parent nor a child may point to something that does not exist.
//
// A microbatch takes effect on all tasks or on none, so a creation is what one would
// write if all were on one task (promises 0.03 to 0.06):
//
//	[child] create ─► [parent] check, and show the child ─► [child] persist
//	                      ▲                                     │ id taken meanwhile
//	                      └────────────── detach ◄──────────────┘
//
//	[component] remove ─► [children] remove ─► …
//
// Of a snapshot all of it is there or nothing. Records of one microbatch still run at
// once on their tasks, in any order: a parent is removed while a child is on its way.
// Events from one task to another keep their order, so the removal comes to the child
// behind its creation. What is about one incarnation of an id leaves another one alone:
// places carry the id of the creation.
//
// The price is an answer: appenders do not hear whether a creation was refused. It is not
// in the forest then.
package componentsmicrobatch

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Module is the example.
type Module struct {
	Name string // of the module; default ComponentsMicrobatch

	// Changes has creations and deletions in one order (promise 0.30).
	Changes module.Depot[Change]
	// Components are those that exist.
	Components pstate.Map[string, Component]
	// Children are the ids of a component's children, each with its creation.
	Children pstate.MapOf[string, pstate.SortedMap[string, string]]
	// underWay are the creations of a component in this microbatch, by its id.
	underWay pstate.Map[string, creations]

	admit   module.Step[place]
	persist module.Step[place]
	detach  module.Step[place]
	remove  module.Step[place]

	forgetful bool // tests plant a bug with it
}

// Component is one entry of the forest.
type Component struct {
	Parent   string // "" if it has none
	Text     string
	Creation string // id of the creation that it is from
}

// creations are those whose parent has not answered, and those that were deleted meanwhile.
type creations struct{ Asked, Deleted []string }

// Change is a creation or a deletion.
type Change interface{ id() string }

// Create asks for a component. It is refused if its parent does not exist, or if the
// component does.
type Create struct{ ID, Parent, Text string }

// Delete deletes a component and all below it; one that does not exist is no error.
type Delete struct{ ID string }

func (c Create) id() string { return c.ID }
func (d Delete) id() string { return d.ID }

// place is a child at its parent.
type place struct{ Parent, Child, Text, Creation string }

// Reasons of refusals.
var (
	ErrNoParent = errors.New("the parent does not exist")
	ErrExists   = errors.New("the component exists already")
	ErrText     = errors.New("a component needs a text")
	ErrSelf     = errors.New("a component cannot be its own parent")
)

// ModuleName names the module.
func (m *Module) ModuleName() string { return cmp.Or(m.Name, "ComponentsMicrobatch") }

// Topology is the name of its only topology.
const Topology = "forest"

// Define declares it.
func (m *Module) Define(b *module.Builder) {
	module.HashDepot(b, &m.Changes, "changes", Change.id, module.Union(
		module.Variant[Create, Change]("create"), module.Variant[Delete, Change]("delete")))
	mb := b.Microbatch(Topology)
	mb.PState(&m.Components, "components")
	mb.PState(&m.Children, "children")
	mb.Temporary(&m.underWay, "underWay")
	atParent := module.At(&m.Components, func(p place) string { return p.Parent })
	atChild := module.At(&m.Components, func(p place) string { return p.Child })
	module.DeclareStep(mb, &m.admit, "admit", atParent, m.onAdmit)
	module.DeclareStep(mb, &m.persist, "persist", atChild, m.onPersist)
	module.DeclareStep(mb, &m.detach, "detach", atParent, m.onDetach)
	module.DeclareStep(mb, &m.remove, "remove", atChild, m.onRemove)
	module.DeclareSource(mb, m.Changes, m.onChange, module.StartFromBeginning())
}

func (m *Module) onChange(ev *module.Event, c Change) error {
	switch c := c.(type) {
	case Create:
		return m.onCreate(ev, c)
	case Delete:
		return m.onDelete(ev, c.ID)
	}
	return nil
}

func (m *Module) onCreate(ev *module.Event, c Create) error {
	_, exists, err := m.Components.Key(c.ID).Lookup(ev)
	creation := ev.ID().String()
	switch {
	case err != nil:
		return err
	case c.Text == "":
		return module.Reject(ErrText)
	case c.Parent == c.ID:
		return module.Reject(ErrSelf)
	case exists:
		return module.Reject(fmt.Errorf("%s: %w", c.ID, ErrExists))
	case c.Parent == "":
		m.Components.Key(c.ID).Set(ev, Component{"", c.Text, creation})
	default:
		m.underWay.Key(c.ID).Update(ev, func(u creations) creations { return creations{append(u.Asked, creation), u.Deleted} })
		m.admit.Send(ev, place{c.Parent, c.ID, c.Text, creation})
	}
	return nil
}

// onAdmit: the parent exists, and has the child from now on (promises 0.04 and 0.05).
func (m *Module) onAdmit(ev *module.Event, p place) error {
	if _, exists, err := m.Components.Key(p.Parent).Lookup(ev); err != nil || !exists {
		return cmp.Or(err, module.Reject(fmt.Errorf("%s: %w", p.Parent, ErrNoParent)))
	}
	child := m.Children.Key(p.Parent).Key(p.Child)
	if _, has, err := child.Lookup(ev); err != nil || has {
		return cmp.Or(err, module.Reject(fmt.Errorf("%s: %w", p.Child, ErrExists)))
	}
	child.Set(ev, p.Creation)
	m.persist.Send(ev, p)
	return nil
}

// onPersist: the child comes to exist (promise 0.06), unless one of its name has come
// first, or a deletion that came behind its creation: then its parent takes it back.
func (m *Module) onPersist(ev *module.Event, p place) error {
	_, exists, err := m.Components.Key(p.Child).Lookup(ev)
	under, err2 := m.underWay.Key(p.Child).Get(ev)
	switch err = cmp.Or(err, err2); {
	case err != nil:
		return err
	case !exists && !slices.Contains(under.Deleted, p.Creation):
		m.Components.Key(p.Child).Set(ev, Component{p.Parent, p.Text, p.Creation})
	case !m.forgetful:
		m.detach.Send(ev, p)
	}
	return nil
}

// onDetach takes a child off its parent.
func (m *Module) onDetach(ev *module.Event, p place) error {
	child := m.Children.Key(p.Parent).Key(p.Child)
	if has, err := child.Get(ev); err != nil || has != p.Creation {
		return err
	}
	child.Delete(ev)
	return nil
}

func (m *Module) onDelete(ev *module.Event, id string) error {
	// What was asked for before it does not come to exist (promise 0.30).
	if under, err := m.underWay.Key(id).Get(ev); err != nil {
		return err
	} else if len(under.Asked) > 0 {
		m.underWay.Key(id).Set(ev, creations{Deleted: append(under.Deleted, under.Asked...)})
	}
	c, exists, err := m.Components.Key(id).Lookup(ev)
	if err != nil || !exists {
		return err
	}
	if c.Parent != "" {
		m.detach.Send(ev, place{c.Parent, id, "", c.Creation})
	}
	return m.onRemove(ev, place{Child: id, Creation: c.Creation})
}

// onRemove removes a component and what is below it. One that was refused, or has gone
// already, is not there (promise 0.39).
func (m *Module) onRemove(ev *module.Event, p place) error {
	c, err := m.Components.Key(p.Child).Get(ev)
	if err != nil || c.Creation != p.Creation {
		return err
	}
	m.Components.Key(p.Child).Delete(ev)
	for child, err := range m.Children.Key(p.Child).Range(ev, pstate.All[string]()) {
		if err != nil {
			return err
		}
		m.remove.Send(ev, place{p.Child, child.Key, "", child.Val})
	}
	m.Children.Delete(ev, p.Child)
	return nil
}

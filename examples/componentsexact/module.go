// Package componentsexact keeps the forest of package components in an exactly-once
// stream: each component may have a parent, whose task is another one, and neither a
// parent nor a child may point to something that does not exist.
//
// An event is never repeated here, and events from one task to another keep their order.
// So a step may rely on what the steps before it have done, and needs none of what the
// at-least-once module keeps for events that come late or again: no places for children
// that are about to come, no list of what was ever deleted. An id that was deleted may
// be used anew.
//
//	[child] create ─► [parent] admit: is there, shows the child ─► [child] persist
//	                      ▲                                            │ id taken meanwhile
//	                      └───────────────── detach ◄──────────────────┘
//
//	[component] close ─► [children] close ─► … ─► [parent] detach, gone if empty
//
// A deletion that closes a parent finds the child that was admitted before among its
// children, and what it sends there comes behind the creation. A creation that comes
// after it is rejected.
//
// There is no isolation: a parent shows a child some milliseconds before it exists, and
// some after it has gone. But then the event that mends it is under way: at every moment
//
//   - who shows a child exists; the child exists and has this parent, or is about to be
//     persisted or detached there;
//   - who has a parent is shown there.
package componentsexact

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Module is the example.
type Module struct {
	Name string // of the module; default ComponentsExact

	// Changes has creations and deletions in one order (promise 0.30).
	Changes module.Depot[Change]
	// Components are those that exist.
	Components pstate.Map[string, Component]
	// Children are the ids of a component's children.
	Children pstate.MapOf[string, pstate.SortedSet[string]]

	admit   module.Step[place]
	persist module.Step[place]
	detach  module.Step[place]
	remove  module.Step[place]
	deny    module.Step[place]

	forgetful bool // tests plant a bug with it
}

// Component is one entry of the forest.
type Component struct {
	Parent  string // "" if it has none
	Text    string
	Closing bool // it goes when its children have gone
}

// Change is a creation or a deletion.
type Change interface{ id() string }

// Create asks for a component. It is rejected if its parent does not exist, or if the
// component does.
type Create struct{ ID, Parent, Text string }

// Delete deletes a component and all below it; one that does not exist is no error.
type Delete struct{ ID string }

func (c Create) id() string { return c.ID }
func (d Delete) id() string { return d.ID }

// place is a child at its parent.
type place struct{ Parent, Child, Text string }

// Errors of creations.
var (
	ErrNoParent = errors.New("the parent does not exist")
	ErrExists   = errors.New("the component exists already")
	ErrText     = errors.New("a component needs a text")
	ErrSelf     = errors.New("a component cannot be its own parent")
)

// ModuleName names the module.
func (m *Module) ModuleName() string { return cmp.Or(m.Name, "ComponentsExact") }

// Define declares it.
func (m *Module) Define(b *module.Builder) {
	module.HashDepot(b, &m.Changes, "changes", Change.id, module.Union(
		module.Variant[Create, Change]("create"), module.Variant[Delete, Change]("delete")))
	s := b.Stream("forest", module.ExactlyOnce())
	s.PState(&m.Components, "components")
	s.PState(&m.Children, "children")
	atParent := module.At(&m.Components, func(p place) string { return p.Parent })
	atChild := module.At(&m.Components, func(p place) string { return p.Child })
	module.DeclareStep(s, &m.admit, "admit", atParent, m.onAdmit)
	module.DeclareStep(s, &m.persist, "persist", atChild, m.onPersist)
	module.DeclareStep(s, &m.detach, "detach", atParent, m.onDetach)
	module.DeclareStep(s, &m.remove, "remove", atChild, m.onRemove)
	module.DeclareStep(s, &m.deny, "deny", module.Stay[place](), m.onDeny)
	module.DeclareSource(s, m.Changes, m.onChange, module.StartFromBeginning())
}

func (m *Module) onChange(ev *module.Event, c Change) error {
	switch c := c.(type) {
	case Create:
		return m.onCreate(ev, c)
	case Delete:
		have, exists, err := m.Components.Key(c.ID).Lookup(ev)
		if err != nil || !exists {
			return err
		}
		return m.close(ev, c.ID, have)
	}
	return nil
}

func (m *Module) onCreate(ev *module.Event, c Create) error {
	_, exists, err := m.Components.Key(c.ID).Lookup(ev)
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
		m.Components.Key(c.ID).Set(ev, Component{Text: c.Text})
	default:
		m.admit.Send(ev, place{c.Parent, c.ID, c.Text})
	}
	return nil
}

// onAdmit: the parent exists, and shows the child from now on (promises 0.04 and 0.05).
func (m *Module) onAdmit(ev *module.Event, p place) error {
	if err := m.admitted(ev, p); err != nil {
		return err
	}
	m.persist.Send(ev, p)
	return nil
}

// admitted: the parent takes the child, or refuses it.
func (m *Module) admitted(ev *module.Event, p place) error {
	parent, exists, err := m.Components.Key(p.Parent).Lookup(ev)
	switch {
	case err != nil:
		return err
	case !exists || parent.Closing:
		return module.Reject(fmt.Errorf("%s: %w", p.Parent, ErrNoParent))
	case !m.Children.Key(p.Parent).Add(ev, p.Child):
		return module.Reject(fmt.Errorf("%s: %w", p.Child, ErrExists)) // or is about to
	}
	return nil
}

// onPersist: the child comes to exist (promise 0.06), unless one of its name has come
// first: then its parent is told, and the appender.
func (m *Module) onPersist(ev *module.Event, p place) error {
	_, exists, err := m.Components.Key(p.Child).Lookup(ev)
	switch {
	case err != nil:
		return err
	case !exists:
		m.Components.Key(p.Child).Set(ev, Component{Parent: p.Parent, Text: p.Text})
		return nil
	case !m.forgetful:
		m.detach.Send(ev, p)
	}
	m.deny.Send(ev, p)
	return nil
}

// onDeny rejects the record, and nothing else: what an event that rejects has written
// and sent is taken back.
func (m *Module) onDeny(_ *module.Event, p place) error {
	return module.Reject(fmt.Errorf("%s: %w", p.Child, ErrExists))
}

// onRemove closes a child with its parent. One that has gone, or was refused, is about to
// be detached; one that was created elsewhere since is another one's.
func (m *Module) onRemove(ev *module.Event, p place) error {
	child, exists, err := m.Components.Key(p.Child).Lookup(ev)
	if err != nil || !exists || child.Parent != p.Parent {
		return err
	}
	return m.close(ev, p.Child, child)
}

// close has a component admit nothing any more, and removes what is below it; without
// anything below it goes at once (promise 0.39: one that has gone already stays so).
func (m *Module) close(ev *module.Event, id string, c Component) error {
	if c.Closing {
		return nil
	}
	c.Closing = true
	m.Components.Key(id).Set(ev, c)
	for child, err := range m.Children.Key(id).Range(ev, pstate.All[string]()) {
		if err != nil {
			return err
		}
		m.remove.Send(ev, place{Parent: id, Child: child})
	}
	return m.goIfEmpty(ev, id, c)
}

// onDetach takes a child that has gone, or did not come, off its parent; a parent that
// is closing goes with its last child (promise 0.38).
func (m *Module) onDetach(ev *module.Event, p place) error {
	m.Children.Key(p.Parent).Remove(ev, p.Child)
	parent, err := m.Components.Key(p.Parent).Get(ev)
	if err != nil || !parent.Closing {
		return err
	}
	return m.goIfEmpty(ev, p.Parent, parent)
}

// goIfEmpty ends a closing component that has nothing below it.
func (m *Module) goIfEmpty(ev *module.Event, id string, c Component) error {
	if n, err := m.Children.Key(id).Len(ev); err != nil || n > 0 {
		return err
	}
	m.Components.Key(id).Delete(ev)
	m.Children.Delete(ev, id)
	if c.Parent != "" {
		m.detach.Send(ev, place{Parent: c.Parent, Child: id})
	}
	return nil
}

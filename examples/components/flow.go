package components

import (
	"cmp"
	"fmt"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// Flow is the same module as dataflow: its events and its state are those of Module.
type Flow struct{ Module }

// Define declares it.
func (m *Flow) Define(b *module.Builder) {
	module.HashDepot(b, &m.Changes, "changes", Change.id, module.Union(
		module.Variant[Create, Change]("create"), module.Variant[Delete, Change]("delete")))
	s := b.Stream("forest")
	s.PState(&m.Components, "components")
	s.PState(&m.Children, "children")
	s.PState(&m.future, "future")
	s.PState(&m.leaving, "leaving")
	s.PState(&m.closed, "closed")
	flow.Source(s, m.Changes, func(b *flow.Block, c flow.Var[Change]) {
		gone := flow.Declare[place](b) // who has gone from its parent, or does not come
		flow.Dispatch(b, c,
			flow.On[Change](func(b *flow.Block, c flow.Var[Create]) { m.create(b, c, gone) }),
			flow.On[Change](func(b *flow.Block, d flow.Var[Delete]) { m.delete(b, d, gone) }))
		m.detached(b, gone)
	}, module.StartFromBeginning())
}

// create reserves, persists and confirms; it goes on only where the last that its closed
// parent waited for does not come.
func (m *Flow) create(b *flow.Block, c flow.Var[Create], gone flow.Var[place]) {
	p := flow.Try1(b, m.asked, c)
	flow.IfTrue(b, flow.NotEqual(parentOf(p), flow.Const("")), func(b *flow.Block) {
		flow.HopAt(b, &m.Components, parentOf(p), flow.Named("reserve"))
		flow.Do1(b, m.reserved, p)
		flow.HopAt(b, &m.Components, childOf(p), flow.Named("persist"))
	})
	told := flow.Try1(b, m.persisted, p)
	flow.Cond(b,
		flow.When(flow.Equal(told, flow.Const(confirms)), func(b *flow.Block) {
			flow.HopAt(b, &m.Components, parentOf(p), flow.Named("confirm"))
			flow.Do1(b, m.onConfirm, p)
			flow.Stop(b)
		}),
		flow.When(flow.Equal(told, flow.Const(releases)), func(b *flow.Block) {
			flow.HopAt(b, &m.Components, parentOf(p), flow.Named("release"))
			flow.Do1(b, func(ev *module.Event, p place) error { m.future.Key(p.Parent).Remove(ev, p.Child); return nil }, p)
			flow.Assign(b, gone, m.goes(b, flow.Each(b, parentOf(p))))
		}),
		flow.Otherwise(func(b *flow.Block) { flow.Stop(b) }))
}

// asked is where a component is to come, if it may.
func (m *Flow) asked(_ *module.Event, c Create) (place, error) {
	switch {
	case c.Text == "":
		return place{}, module.Reject(ErrText)
	case c.Parent == c.ID:
		return place{}, module.Reject(ErrSelf)
	}
	return place{c.Parent, c.ID, c.Text}, nil
}

// reserved: the parent exists, and takes a child that is about to come.
func (m *Flow) reserved(ev *module.Event, p place) error {
	if open, err := m.open(ev, p.Parent); err != nil || !open {
		return cmp.Or(err, module.Reject(fmt.Errorf("%s: %w", p.Parent, ErrNoParent)))
	}
	shown, err := m.Children.Key(p.Parent).Has(ev, p.Child)
	if err != nil {
		return err
	}
	leaves, err := m.leaving.Key(p.Parent).Has(ev, p.Child)
	if err == nil && !shown && !leaves {
		m.future.Key(p.Parent).Add(ev, p.Child)
	}
	return err
}

// What a parent is told of a child that was to come.
const (
	nothing = iota
	confirms
	releases
)

// persisted has the child come to exist, and says what its parent is told.
func (m *Flow) persisted(ev *module.Event, p place) (told int, err error) {
	have, exists, err := m.Components.Key(p.Child).Lookup(ev)
	if err != nil {
		return nothing, err
	}
	_, closed, err := m.closed.Key(p.Child).Lookup(ev)
	switch {
	case err != nil, exists && have.Parent == p.Parent && closed:
		return nothing, err
	case exists && have.Parent != p.Parent, closed:
		told = releases
	default:
		told = confirms
		if !exists {
			m.Components.Key(p.Child).Set(ev, Component{p.Parent, p.Text})
		}
	}
	if p.Parent == "" {
		told = nothing
	}
	return told, nil
}

// removal is what becomes of a component that is to be deleted.
type removal struct {
	Detached bool   // its parent is told that it does not come
	Stays    bool   // it belongs to another one
	Parent   string // that has to hide it first
}

// delete closes a component and all below it, each turn of the loop on another's task.
func (m *Flow) delete(b *flow.Block, d flow.Var[Delete], gone flow.Var[place]) {
	first := flow.F1(func(d Delete) place { return place{Parent: d.Of, Child: d.ID} }, d)
	flow.LoopWith(b, first, func(l flow.Loop[place], b *flow.Block, p flow.Var[place]) {
		r := flow.Try1(b, m.closes, p)
		id := flow.Each(b, childOf(p))
		flow.Branch(b, func(b *flow.Block) {
			flow.KeepTrue(b, flow.F1(func(r removal) bool { return r.Detached }, r))
			flow.Assign(b, gone, p)
			l.Emit(b)
		})
		flow.KeepTrue(b, flow.F1(func(r removal) bool { return !r.Stays }, r))
		parent := flow.Each(b, flow.F1(func(r removal) string { return r.Parent }, r))
		flow.IfTrue(b, flow.NotEqual(parent, flow.Const("")), func(b *flow.Block) {
			flow.HopAt(b, &m.Components, parent, flow.Named("hide"))
			flow.Do2(b, m.hidden, parent, id)
			flow.HopAt(b, &m.Components, id, flow.Named("clear"))
		})
		flow.Do1(b, m.cleared, id)
		flow.Branch(b, func(b *flow.Block) {
			child := flow.LocalSelect(b, flow.Path(func(id string) nav.Path[nav.Root, string, nav.Value] {
				return nav.All(nav.From(m.leaving.Key(id)))
			}, id))
			next := flow.Each(b, flow.F2(func(id, child string) place { return place{Parent: id, Child: child} }, id, child))
			flow.HopAt(b, &m.Components, child, flow.Named("remove"))
			l.Continue(b, next)
		})
		flow.Branch(b, func(b *flow.Block) {
			child := flow.LocalSelect(b, flow.Path(func(id string) nav.Path[nav.Root, string, nav.Value] {
				return nav.All(nav.From(m.future.Key(id)))
			}, id))
			flow.Append(b, m.Changes, flow.F2(func(id, child string) Change { return Delete{ID: child, Of: id} }, id, child))
		})
		flow.Assign(b, gone, m.goes(b, id))
		l.Emit(b)
	})
}

// closes closes a component, unless it belongs to another parent.
func (m *Flow) closes(ev *module.Event, p place) (r removal, err error) {
	c, exists, err := m.Components.Key(p.Child).Lookup(ev)
	if err != nil {
		return r, err
	}
	r.Detached = p.Parent != "" && !(exists && c.Parent == p.Parent)
	if r.Stays = p.Parent != "" && exists && c.Parent != p.Parent; r.Stays {
		return r, nil
	}
	m.closed.Key(p.Child).Update(ev, func(e end) end { return end{cmp.Or(e.Parent, c.Parent), e.Hidden} })
	if p.Parent == "" {
		r.Parent = c.Parent
	}
	return r, nil
}

// hidden: nobody is shown the child any more.
func (m *Flow) hidden(ev *module.Event, parent, child string) error {
	m.future.Key(parent).Remove(ev, child)
	m.Children.Key(parent).Remove(ev, child)
	m.leaving.Key(parent).Add(ev, child)
	return nil
}

// cleared: those that are below leave.
func (m *Flow) cleared(ev *module.Event, id string) error {
	m.closed.Key(id).Update(ev, func(e end) end { return end{e.Parent, true} })
	for child, err := range m.Children.Key(id).Range(ev, pstate.All[string]()) {
		if err != nil {
			return err
		}
		m.leaving.Key(id).Add(ev, child)
	}
	m.Children.Key(id).Clear(ev)
	return nil
}

// detached goes up from child to parent, as long as parents go with their last child.
func (m *Flow) detached(b *flow.Block, gone flow.Var[place]) {
	flow.LoopWith(b, gone, func(l flow.Loop[place], b *flow.Block, p flow.Var[place]) {
		flow.HopAt(b, &m.Components, parentOf(p), flow.Named("detach"))
		flow.Do1(b, func(ev *module.Event, p place) error {
			m.future.Key(p.Parent).Remove(ev, p.Child)
			m.leaving.Key(p.Parent).Remove(ev, p.Child)
			return nil
		}, p)
		l.Continue(b, m.goes(b, flow.Each(b, parentOf(p))))
	})
}

// goes ends a closed component that nobody is shown and that has nothing below it, and goes
// on with its place at its parent (promise 0.38).
func (m *Flow) goes(b *flow.Block, id flow.Var[string]) flow.Var[place] {
	closed := flow.Get(b, flow.Key(&m.closed, id))
	flow.KeepTrue(b, flow.F1(func(e end) bool { return e.Hidden }, closed))
	flow.KeepTrue(b, flow.Try1(b, func(ev *module.Event, id string) (bool, error) {
		for _, below := range []pstate.SortedSet[string]{m.Children.Key(id), m.future.Key(id), m.leaving.Key(id)} {
			if n, err := below.Len(ev); err != nil || n > 0 {
				return false, err
			}
		}
		return true, nil
	}, id))
	flow.Delete(b, flow.Key(&m.Components, id))
	up := flow.Each(b, flow.F2(func(id string, e end) place { return place{Parent: e.Parent, Child: id} }, id, closed))
	flow.KeepTrue(b, flow.NotEqual(parentOf(up), flow.Const("")))
	return up
}

func parentOf(p flow.Var[place]) flow.Expr[string] {
	return flow.F1(func(p place) string { return p.Parent }, p)
}

func childOf(p flow.Var[place]) flow.Expr[string] {
	return flow.F1(func(p place) string { return p.Child }, p)
}

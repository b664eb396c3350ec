package componentsexact

import (
	"fmt"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/module/nav"
)

// Flow is the same module as dataflow: its events and its state are those of Module.
type Flow struct{ Module }

// Define declares it.
func (m *Flow) Define(b *module.Builder) {
	module.HashDepot(b, &m.Changes, "changes", Change.id, module.Union(
		module.Variant[Create, Change]("create"), module.Variant[Delete, Change]("delete")))
	s := b.Stream("forest", module.ExactlyOnce())
	s.PState(&m.Components, "components")
	s.PState(&m.Children, "children")
	flow.Source(s, m.Changes, func(b *flow.Block, c flow.Var[Change]) {
		leaves := flow.Declare[place](b).Label("leaves") // who leaves its parent, or was refused
		flow.Dispatch(b, c,
			flow.On[Change](func(b *flow.Block, c flow.Var[Create]) { m.create(b, c, leaves) }),
			flow.On[Change](func(b *flow.Block, d flow.Var[Delete]) { m.delete(b, d, leaves) }))
		m.leave(b, leaves)
	}, module.StartFromBeginning())
}

// create ends where the child has come; one that is refused at the end leaves its parent.
func (m *Flow) create(b *flow.Block, c flow.Var[Create], leaves flow.Var[place]) {
	p := flow.Try1(b, m.asked, c).Label("place")
	flow.IfTrue(b, flow.Equal(parentOf(p), flow.Const("")), func(b *flow.Block) {
		flow.Set(b, flow.Key(&m.Components, childOf(p)), flow.F1(place.component, p))
		flow.Stop(b)
	})
	flow.HopAt(b, &m.Components, parentOf(p), flow.Named("admit"))
	flow.Do1(b, m.admitted, p)
	flow.HopAt(b, &m.Components, childOf(p), flow.Named("persist"))
	_, exists := flow.Lookup(b, flow.Key(&m.Components, childOf(p)))
	flow.IfElse(b, exists, func(b *flow.Block) {
		denied := b.Anchor()
		flow.Assign(b, leaves, p)
		deny := denied.Hook()
		flow.HopStay(deny, flow.Named("deny"))
		flow.Do1(deny, m.onDeny, p)
	}, func(b *flow.Block) {
		flow.Set(b, flow.Key(&m.Components, childOf(p)), flow.F1(place.component, p))
		flow.Stop(b)
	})
}

// asked is where a component is to come, if it may.
func (m *Flow) asked(ev *module.Event, c Create) (place, error) {
	_, exists, err := m.Components.Key(c.ID).Lookup(ev)
	switch {
	case err != nil:
		return place{}, err
	case c.Text == "":
		return place{}, module.Reject(ErrText)
	case c.Parent == c.ID:
		return place{}, module.Reject(ErrSelf)
	case exists:
		return place{}, module.Reject(fmt.Errorf("%s: %w", c.ID, ErrExists))
	}
	return place{c.Parent, c.ID, c.Text}, nil
}

// delete closes a component and all below it, each turn of the loop on another's task.
func (m *Flow) delete(b *flow.Block, d flow.Var[Delete], leaves flow.Var[place]) {
	first := flow.F1(func(d Delete) place { return place{Child: d.ID} }, d)
	flow.LoopWith2(b, first, flow.Const(false), func(l flow.Loop2[place, bool], b *flow.Block, p flow.Var[place], below flow.Var[bool]) {
		id := flow.Each(b, childOf(p))
		c, exists := flow.Lookup(b, flow.Key(&m.Components, id))
		ours := flow.F3(func(p place, below bool, c Component) bool { return !below || c.Parent == p.Parent }, p, below, c)
		flow.KeepTrue(b, flow.And(exists, flow.And(ours, flow.F1(func(c Component) bool { return !c.Closing }, c))))
		closing := flow.Each(b, flow.F1(func(c Component) Component { c.Closing = true; return c }, c))
		flow.Set(b, flow.Key(&m.Components, id), closing)
		flow.Branch(b, func(b *flow.Block) {
			child := flow.LocalSelect(b, flow.Path(func(id string) nav.Path[nav.Root, string, nav.Value] {
				return nav.All(nav.From(m.Children.Key(id)))
			}, id))
			next := flow.Each(b, flow.F2(func(id, child string) place { return place{Parent: id, Child: child} }, id, child)).Label("next")
			flow.HopAt(b, &m.Components, child, flow.Named("remove"))
			l.Continue(b, next, flow.Const(true))
		})
		flow.Assign(b, leaves, m.goIfEmpty(b, id, closing))
		l.Emit(b)
	})
}

// leave goes up from child to parent, as long as parents go with their last child.
func (m *Flow) leave(b *flow.Block, leaves flow.Var[place]) {
	flow.LoopWith(b, leaves, func(l flow.Loop[place], b *flow.Block, p flow.Var[place]) {
		flow.HopAt(b, &m.Components, parentOf(p), flow.Named("detach"))
		flow.Do1(b, func(ev *module.Event, p place) error {
			m.Children.Key(p.Parent).Remove(ev, p.Child)
			return nil
		}, p)
		parent := flow.Each(b, parentOf(p))
		c := flow.Get(b, flow.Key(&m.Components, parent))
		flow.KeepTrue(b, flow.F1(func(c Component) bool { return c.Closing }, c))
		l.Continue(b, m.goIfEmpty(b, parent, c))
	})
}

// goIfEmpty ends a closing component that has nothing below it, and goes on with its place
// at its parent.
func (m *Flow) goIfEmpty(b *flow.Block, id flow.Var[string], c flow.Var[Component]) flow.Var[place] {
	flow.KeepTrue(b, flow.Equal(flow.Try1(b, func(ev *module.Event, id string) (int, error) { return m.Children.Key(id).Len(ev) }, id), flow.Const(0)))
	flow.Delete(b, flow.Key(&m.Components, id))
	flow.Do1(b, func(ev *module.Event, id string) error {
		m.Children.Delete(ev, id)
		return nil
	}, id)
	up := flow.Each(b, flow.F2(func(id string, c Component) place { return place{Parent: c.Parent, Child: id} }, id, c))
	flow.KeepTrue(b, flow.NotEqual(parentOf(up), flow.Const("")))
	return up
}

func parentOf(p flow.Var[place]) flow.Expr[string] {
	return flow.F1(func(p place) string { return p.Parent }, p)
}

func childOf(p flow.Var[place]) flow.Expr[string] {
	return flow.F1(func(p place) string { return p.Child }, p)
}

func (p place) component() Component { return Component{Parent: p.Parent, Text: p.Text} }

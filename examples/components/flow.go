package components

import (
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
	s.PState(&m.closed, "closed")
	flow.Source(s, m.Changes, func(b *flow.Block, c flow.Var[Change]) {
		leaves := flow.Declare[place](b) // who leaves its parent, or does not come
		there := flow.Declare[bool](b)   // whether the event is at the parent already
		flow.Dispatch(b, c,
			flow.On[Change](func(b *flow.Block, c flow.Var[Create]) { m.create(b, c, leaves, there) }),
			flow.On[Change](func(b *flow.Block, d flow.Var[Delete]) { m.delete(b, d, leaves, there) }))
		m.leave(b, leaves, there)
	}, module.StartFromBeginning())
}

// create ends where the child has come; what does not come leaves its parent.
func (m *Flow) create(b *flow.Block, c flow.Var[Create], leaves flow.Var[place], there flow.Var[bool]) {
	p := flow.Try1(b, asked, c)
	flow.IfTrue(b, hasParent(p), func(b *flow.Block) {
		flow.HopAt(b, &m.Components, parentOf(p), flow.Named("reserve"))
		flow.Do1(b, m.reserved, p)
		flow.HopAt(b, &m.Components, childOf(p), flow.Named("persist"))
	})
	comes := flow.Try1(b, m.persisted, p)
	flow.KeepTrue(b, hasParent(p))
	flow.IfElse(b, comes, func(b *flow.Block) {
		flow.HopAt(b, &m.Components, parentOf(p), flow.Named("confirm"))
		flow.Do1(b, m.onConfirm, p)
		flow.Stop(b)
	}, func(b *flow.Block) {
		flow.HopAt(b, &m.Components, parentOf(p), flow.Named("release"))
		flow.Assign(b, leaves, p)
		flow.Assign(b, there, flow.Const(true))
	})
}

// delete closes a component and all below it, each turn of the loop on another's task.
func (m *Flow) delete(b *flow.Block, d flow.Var[Delete], leaves flow.Var[place], there flow.Var[bool]) {
	first := flow.F1(func(d Delete) place { return place{Parent: d.Of, Child: d.ID} }, d)
	flow.LoopWith(b, first, func(l flow.Loop[place], b *flow.Block, p flow.Var[place]) {
		id := flow.Each(b, childOf(p))
		have, exists := flow.Lookup(b, flow.Key(&m.Components, id))
		ours := flow.Each(b, flow.F3(func(p place, c Component, exists bool) bool { return exists && c.Parent == p.Parent }, p, have, exists))
		flow.Branch(b, func(b *flow.Block) {
			flow.KeepTrue(b, flow.And(hasParent(p), flow.Not(ours)))
			flow.Assign(b, leaves, p)
			flow.Assign(b, there, flow.Const(false))
			l.Emit(b)
		})
		flow.KeepTrue(b, flow.Or(flow.Not(hasParent(p)), flow.Or(ours, flow.Not(exists))))
		flow.Update(b, flow.Key(&m.closed, id), end.of, have)
		flow.Branch(b, func(b *flow.Block) {
			child := flow.LocalSelect(b, below(&m.Children, id))
			next := flow.Each(b, flow.F2(func(id, child string) place { return place{Parent: id, Child: child} }, id, child))
			flow.HopAt(b, &m.Components, child, flow.Named("remove"))
			l.Continue(b, next)
		})
		flow.Branch(b, func(b *flow.Block) {
			child := flow.LocalSelect(b, below(&m.future, id))
			flow.Append(b, m.Changes, flow.F2(func(id, child string) Change { return Delete{ID: child, Of: id} }, id, child))
		})
		m.goIfEmptyThen(b, id, func(b *flow.Block, up flow.Var[place]) {
			flow.Assign(b, leaves, up)
			flow.Assign(b, there, flow.Const(false))
			l.Emit(b)
		})
	})
}

// leave goes up from child to parent, as long as parents go with their last child.
func (m *Flow) leave(b *flow.Block, leaves flow.Var[place], there flow.Var[bool]) {
	flow.LoopWith2(b, leaves, there, func(l flow.Loop2[place, bool], b *flow.Block, p flow.Var[place], there flow.Var[bool]) {
		flow.IfTrue(b, flow.Not(there), func(b *flow.Block) {
			flow.HopAt(b, &m.Components, parentOf(p), flow.Named("detach"))
		})
		flow.Do1(b, m.left, p)
		parent := flow.Each(b, parentOf(p))
		_, closed := flow.Lookup(b, flow.Key(&m.closed, parent))
		flow.KeepTrue(b, closed)
		m.goIfEmptyThen(b, parent, func(b *flow.Block, up flow.Var[place]) { l.Continue(b, up, flow.Const(false)) })
	})
}

// goIfEmptyThen ends a closed component that has nothing below it, and goes on with its
// place at its parent.
func (m *Flow) goIfEmptyThen(b *flow.Block, id flow.Var[string], then func(*flow.Block, flow.Var[place])) {
	parent := flow.Try1(b, m.gone, id)
	flow.KeepTrue(b, flow.NotEqual(parent, flow.Const("")))
	then(b, flow.Each(b, flow.F2(func(parent, id string) place { return place{Parent: parent, Child: id} }, parent, id)))
}

func parentOf(p flow.Var[place]) flow.Expr[string] {
	return flow.F1(func(p place) string { return p.Parent }, p)
}

func childOf(p flow.Var[place]) flow.Expr[string] {
	return flow.F1(func(p place) string { return p.Child }, p)
}

func hasParent(p flow.Var[place]) flow.Expr[bool] {
	return flow.NotEqual(parentOf(p), flow.Const(""))
}

// below are the ids under a component.
func below(sets *pstate.MapOf[string, pstate.SortedSet[string]], id flow.Var[string]) flow.Expr[nav.Path[nav.Root, string, nav.Value]] {
	return flow.Path(func(id string) nav.Path[nav.Root, string, nav.Value] { return nav.All(nav.From(sets.Key(id))) }, id)
}

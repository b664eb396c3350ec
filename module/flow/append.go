package flow

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// Append appends a record to a depot of the module, as module.Depot.Emit does: it leaves
// when the event is committed.
func Append[T any](b *Block, d module.Depot[T], value Expr[T], options ...module.EmitOption) {
	n := b.put("Append", text(value), 1, value)
	n.depot(d == module.Depot[T]{})
	n.simply(func(x *run) error {
		d.Emit(x.ev, value.eval(x), options...)
		return nil
	})
}

// AppendTo appends a record to the partition of a chosen task.
func AppendTo[T any](b *Block, d module.Depot[T], to Expr[task.ID], value Expr[T], options ...module.EmitOption) {
	n := b.put("AppendTo", text(value), 1, to, value)
	n.depot(d == module.Depot[T]{})
	n.simply(func(x *run) error {
		d.EmitTo(x.ev, to.eval(x), value.eval(x), options...)
		return nil
	})
}

// Write writes a record to a topic of others, as module.Topic.Emit does.
func Write[T any](b *Block, t module.Topic[T], value Expr[T], options ...module.EmitOption) {
	n := b.put("Write", text(value), 1, value)
	if t == (module.Topic[T]{}) {
		n.mistake("writes to a topic that is not declared", "declare it before the source: module.DeclareTopic")
	}
	n.simply(func(x *run) error {
		t.Emit(x.ev, value.eval(x), options...)
		return nil
	})
}

func (n *node) depot(missing bool) {
	if missing {
		n.mistake("appends to a depot that is not declared", "declare it before the source: module.RandomDepot, module.HashDepot")
	}
}

// Send sends an event to a step that is a handler, besides what comes behind it: so flows
// of several sources, and handlers, can have a part in common.
func Send[T any](b *Block, s *module.Step[T], value Expr[T]) {
	n := b.put("Send", text(value), 1, value)
	g := b.flow
	g.front.Declare(n.line, func() {
		g.front.Check(func() {
			if plan := module.PlanOf(*s); plan == nil || plan.TopologyID() != g.front.Plan().ID {
				g.front.Mistake("flow.Send", "sends to a step that this topology does not declare", "declare it: module.DeclareStep")
			}
		})
	})
	n.simply(func(x *run) error {
		s.Send(x.ev, value.eval(x))
		return nil
	})
}

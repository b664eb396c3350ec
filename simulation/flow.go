package simulation

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
)

// Flow is the workload of Tree, written as dataflow.
func Flow() Workload {
	return Workload{Name: "flow", RecordsMax: 40, Hops: true, New: func() Case { return &flowCase{} }}
}

// FlowExact is the workload of Exact, written as dataflow: a loop that goes on behind
// hops and calls to the outside.
func FlowExact() Workload {
	w := Exact()
	w.Name = "flow-exactly-once"
	w.New = func() Case { return &flowExactCase{exactCase{m: branching{asked: map[uuid.UUID]int{}}}} }
	return w
}

type flowCase struct{ treeCase }

func (c *flowCase) Module() module.Module { return &growingFlow{&c.m} }

// growingFlow declares what growing declares.
type growingFlow struct{ *growing }

func (m *growingFlow) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Seedlings, "seedlings")
	s := b.Stream("tree")
	s.PState(&m.Marks, "marks")
	s.PState(&m.Visits, "visits")
	module.DeclareAck(s, &m.Leaves, agg.Sum[int]())
	flow.Source(s, m.Seedlings, func(b *flow.Block, v flow.Var[seedling]) {
		number, deep, local := flow.Expand3(b, func(v seedling) (int, []string, bool) { return v.Number, v.Deep, v.Local }, v)
		key := flow.Explode(b, flow.F1(func(v seedling) []string { return v.Keys }, v))
		flow.HopAt(b, &m.Marks, key, flow.Named("grow"))
		m.visited(b, key, number)
		leaf := flow.Explode(b, deep)
		flow.HopByHash(b, leaf, flow.Named("leaf"))
		m.visited(b, leaf, number)
		flow.KeepTrue(b, local)
		flow.HopStay(b, flow.Named("rest"))
		m.visited(b, leaf, number)
	}, module.StartFromBeginning(), module.MaxAttempts(0))
}

func (m *growingFlow) visited(b *flow.Block, key flow.Var[string], number flow.Var[int]) {
	flow.Do2(b, func(ev *module.Event, key string, number int) error {
		m.Marks.Key(key).Add(ev, number)
		return nil
	}, key, number)
	flow.Agg(b, flow.Key(&m.Visits, key), flow.Count[int]())
	flow.AckReturn(b, m.Leaves, flow.Const(1))
}

type flowExactCase struct{ exactCase }

func (c *flowExactCase) Module() module.Module { return &branchingFlow{&c.m} }

// branchingFlow declares what branching declares.
type branchingFlow struct{ *branching }

func (m *branchingFlow) Define(b *module.Builder) {
	module.HashDepot(b, &m.Roots, "roots", func(v branch) string { return v.Key })
	s := b.Stream("exact", module.ExactlyOnce())
	s.PState(&m.Visits, "visits")
	s.PState(&m.Totals, "totals")
	module.DeclareAck(s, &m.Leaves, agg.Sum[int]())
	flow.Source(s, m.Roots, func(b *flow.Block, root flow.Var[branch]) {
		flow.LoopWith(b, root, func(l flow.Loop[branch], b *flow.Block, v flow.Var[branch]) {
			flow.Agg(b, flow.Under(flow.Key(&m.Visits, keyOf(v)), flow.F1(func(v branch) string { return v.name() }, v)), flow.Count[int]())
			flow.Agg(b, flow.Key(&m.Totals, keyOf(v)), flow.Count[int]())
			flow.AckReturn(b, m.Leaves, flow.Const(1))
			flow.Branch(b, func(b *flow.Block) {
				child := flow.Explode(b, flow.F1(func(v branch) []branch { return v.Below }, v)).Label("child")
				next := flow.Declare[branch](b).Label("next")
				flow.Cond(b,
					flow.When(flow.F1(func(v branch) bool { return v.Asks }, child), func(b *flow.Block) {
						told := flow.EachAsync(b, m.onAsk, child, flow.Named("ask"))
						flow.HopAt(b, &m.Visits, keyOf(told), flow.Named("told"))
						flow.Assign(b, next, told)
					}),
					flow.When(flow.Equal(keyOf(child), keyOf(v)), func(b *flow.Block) {
						flow.HopStay(b, flow.Named("stay"))
						flow.Assign(b, next, child)
					}),
					flow.Otherwise(func(b *flow.Block) {
						flow.HopAt(b, &m.Visits, keyOf(child), flow.Named("grow"))
						flow.Assign(b, next, child)
					}))
				l.Continue(b, next)
			})
			flow.Do1(b, endOf, v)
		})
	}, module.StartFromBeginning(), module.MaxAttempts(exactAttempts))
}

func keyOf(v flow.Var[branch]) flow.Expr[string] {
	return flow.F1(func(v branch) string { return v.Key }, v)
}

// endOf fails, rejects or parks an event whose branch says so.
func endOf(ev *module.Event, v branch) error {
	if ev.Attempt() <= v.Fails {
		return fmt.Errorf("attempt %d: %w", ev.Attempt(), errMood)
	}
	switch v.End {
	case rejected:
		return module.Reject(fmt.Errorf("rejected: %w", errMood))
	case parkedAside:
		return module.Park(fmt.Errorf("parked: %w", errMood))
	}
	return nil
}

package draw

import (
	"strings"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/pstate"
)

// shop has a flow with conditions, branches and a loop, one that is a line, and handlers.
type shop struct {
	Orders, Words, Plain module.Depot[string]
	Sold                 pstate.Map[string, int]
	Total                module.Ack[int]
	step                 module.Step[string]
}

func (m *shop) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Orders, "orders")
	module.RandomDepot(b, &m.Words, "words")
	module.RandomDepot(b, &m.Plain, "plain")
	s := b.Stream("s")
	s.PState(&m.Sold, "sold")
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	nothing := func(*module.Event, string) error { return nil }
	module.DeclareStep(s, &m.step, "handler", module.Shuffle[string](), nothing)
	module.DeclareSource(s, m.Plain, nothing)
	flow.Source(s, m.Words, func(b *flow.Block, sentence flow.Var[string]) {
		word := flow.Explode(b, flow.F1(strings.Fields, sentence))
		flow.HopAt(b, &m.Sold, word, flow.Named("count"))
		flow.Agg(b, flow.Key(&m.Sold, word), flow.Count[int]())
		flow.AckReturn(b, m.Total, flow.Const(1))
	})
	flow.Source(s, m.Orders, func(b *flow.Block, o flow.Var[string]) {
		flow.IfElse(b, flow.Equal(o, flow.Const("<none & never>")), func(b *flow.Block) {
			flow.Stop(b)
		}, func(b *flow.Block) {
			flow.HopGlobal(b, flow.Named("large"))
		})
		flow.LoopWith(b, o, func(l flow.Loop[string], b *flow.Block, o flow.Var[string]) {
			flow.HopAt(b, &m.Sold, o, flow.Named("turn"))
			sold := flow.Get(b, flow.Key(&m.Sold, o))
			for range 3 {
				flow.Branch(b, func(b *flow.Block) { flow.Do1(b, nothing, o) })
			}
			flow.Branch(b, func(b *flow.Block) {
				flow.KeepTrue(b, flow.Less(flow.Const(3), sold))
				l.Continue(b, flow.F1(strings.ToUpper, o))
			})
			l.Emit(b)
		})
		flow.HopShuffle(b, flow.Named("last"))
	})
}

func planOf(t *testing.T) *module.Plan {
	t.Helper()
	plan, err := module.Compile(&shop{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

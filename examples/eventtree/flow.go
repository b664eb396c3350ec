package eventtree

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/flow"
)

// Flow is the same module as dataflow: its events and its state are those of Module.
type Flow struct{ Module }

// Define declares it.
func (m *Flow) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Keys, "keys")
	s := b.Stream("s")
	s.PState(&m.Marks, "marks")
	s.PState(&m.Leaves, "leaves")
	flow.Source(s, m.Keys, func(b *flow.Block, key flow.Var[string]) {
		root := b.Anchor()
		flow.HopAt(b, &m.Marks, key, flow.Named("mark"))
		flow.Set(b, flow.Key(&m.Marks, key), flow.Const("XYZ"))

		b = root.Hook()
		flow.HopShuffle(b, flow.Named("scatter"))
		flow.IfTrue(b, flow.Equal(key, flow.Const("A")), func(b *flow.Block) {
			i := flow.Range(b, flow.Const(0), flow.Const(2))
			flow.HopAt(b, &m.Leaves, i, flow.Named("leaf"))
			flow.Set(b, flow.Key(&m.Leaves, i), key)
		})
	})
}

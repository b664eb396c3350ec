package sum

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
)

// Flow is the same module as dataflow: its events and its state are those of Module.
type Flow struct{ Module }

// Define declares it.
func (m *Flow) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Numbers, "numbers")
	s := b.Stream("sumTopology")
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	flow.Source(s, m.Numbers, func(b *flow.Block, v flow.Var[int]) {
		flow.Range(b, flow.Const(0), v)
		flow.HopShuffle(b, flow.Named("give"))
		flow.AckReturn(b, m.Total, v)
	})
}

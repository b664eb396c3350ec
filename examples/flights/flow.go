package flights

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
)

// Flow is the same module as dataflow: its events and its state are those of Module.
type Flow struct{ Module }

// Define declares it.
func (m *Flow) Define(b *module.Builder) {
	module.HashDepot(b, &m.Flights, "flights", func(f Flight) string { return f.Tail })
	s := b.Stream("flights")
	s.PState(&m.Aircraft, "aircraft")
	s.PState(&m.Routes, "routes")
	s.PState(&m.Hours, "hours")
	s.PState(&m.Carriers, "carriers")
	module.DeclareAck(s, &m.Legs, agg.Last[int]())
	flow.Source(s, m.Flights, func(b *flow.Block, f flow.Var[Flight]) {
		tail, origin, carrier := flow.Expand3(b, func(f Flight) (tail, origin, carrier string) { return f.Tail, f.Origin, f.Carrier }, f)
		aircraft := flow.Update(b, flow.Key(&m.Aircraft, tail), Aircraft.flown, f)
		flow.AckReturn(b, m.Legs, flow.F1(func(a Aircraft) int { return a.Legs }, aircraft))
		delay := flow.Each(b, flow.F1(func(f Flight) *int { return f.DepDelay }, f))
		dest, hour := flow.Expand2(b, func(f Flight) (string, int) { return f.Dest, f.Hour }, f)

		flow.Branch(b, func(b *flow.Block) {
			flow.HopAt(b, &m.Routes, origin, flow.Named("origin")) // takes origin, dest, hour and delay along
			flow.Update(b, flow.Under(flow.Key(&m.Routes, origin), dest), Delays.with, delay)
			flow.Update(b, flow.Under(flow.Key(&m.Hours, origin), hour), Delays.with, delay)
		})
		flow.HopAt(b, &m.Carriers, carrier, flow.Named("carrier")) // takes carrier and delay along
		flow.Update(b, flow.Key(&m.Carriers, carrier), Delays.with, delay)
	})
}

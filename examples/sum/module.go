// Package sum adds up what many events on random tasks return: a record v sends
// off v events, each returns v, and the append returns v times v.
package sum

import (
	"cmp"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
)

// Module is the example.
type Module struct {
	Name string // of the module; default Sum

	Numbers module.Depot[int]
	Total   module.Ack[int]

	give module.Step[int]
}

// ModuleName names the module.
func (m *Module) ModuleName() string { return cmp.Or(m.Name, "Sum") }

// Define declares it.
func (m *Module) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Numbers, "numbers")
	s := b.Stream("sumTopology")
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	module.DeclareStep(s, &m.give, "give", module.Shuffle[int](), func(ev *module.Event, v int) error {
		m.Total.Return(ev, v)
		return nil
	})
	module.DeclareSource(s, m.Numbers, func(ev *module.Event, v int) error {
		for range v {
			m.give.Send(ev, v)
		}
		return nil
	})
}

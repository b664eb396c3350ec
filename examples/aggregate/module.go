// Package aggregate counts names in every way that package agg has: in PStates by
// aggregators, nested ones among them, and in what an append returns.
package aggregate

import (
	"cmp"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Names is the example.
type Names struct {
	Name string // of the module; default Aggregate

	Names module.Depot[string]
	// On one task, so that they can be read in order:
	Count  pstate.Value[int64]
	Each   pstate.SortedMap[string, int64]
	Ranked agg.Ranking[string, int64]
	// By first letter, by length: which names.
	Shapes pstate.MapOf[string, pstate.MapOf[int, pstate.SortedMap[string, int64]]]

	Lengths module.AckOf[int, agg.Mean] // an append returns the mean length of all names of the record

	shape module.Step[string]
	total module.Step[string]

	byShape agg.Compound[pstate.MapOf[string, pstate.MapOf[int, pstate.SortedMap[string, int64]]], string]
}

// ModuleName names the module.
func (m *Names) ModuleName() string { return cmp.Or(m.Name, "Aggregate") }

func initial(name string) string { return name[:1] }
func length(name string) int     { return len(name) }
func itself(name string) string  { return name }

// Define declares it.
func (m *Names) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Names, "names")
	s := b.Stream("names")
	s.PState(&m.Count, "count", pstate.Global())
	s.PState(&m.Each, "each", pstate.Global())
	s.PState(&m.Ranked, "ranked", pstate.Global())
	s.PState(&m.Shapes, "shapes")
	module.DeclareAck(s, &m.Lengths, agg.Avg[int]())
	module.DeclareStep(s, &m.shape, "shape", module.At(&m.Shapes, initial), m.onShape)
	module.DeclareStep(s, &m.total, "total", module.Global[string](), m.onTotal)
	module.DeclareSource(s, m.Names, m.onName)
	// Level by level, as the handle has them; what is not there yet begins by itself.
	m.byShape = agg.Under(initial, agg.Under(length, agg.SortedKey(itself, agg.Leaf(agg.Count[string]()))))
}

func (m *Names) onName(ev *module.Event, name string) error {
	m.Lengths.Return(ev, len(name))
	m.shape.Send(ev, name)
	m.total.Send(ev, name)
	return nil
}

func (m *Names) onShape(ev *module.Event, name string) error {
	m.byShape(ev, m.Shapes, name)
	return nil
}

func (m *Names) onTotal(ev *module.Event, name string) error {
	agg.Into(ev, m.Count, agg.Count[string](), name)
	n := agg.Into(ev, m.Each.Key(name), agg.Count[string](), name)
	m.Ranked.Put(ev, name, n, 2)
	return nil
}

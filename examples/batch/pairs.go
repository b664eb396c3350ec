package batch

import (
	"cmp"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Pairs counts pairs, and adds up the numbers that come with them: one number for each task
// crosses the network for the sum of all, however many records there are.
type Pairs struct {
	Name string // of the module; default Pairs

	Pairs  module.Depot[Pair]
	Counts pstate.MapOf[string, pstate.SortedMap[string, int64]]
	Sum    pstate.Value[int] // on task 0

	sum   module.Aggregate[int]
	count module.Step[Pair]
	by    agg.Compound[pstate.MapOf[string, pstate.SortedMap[string, int64]], Pair]
}

// Pair is a record.
type Pair struct {
	First, Second string
	Number        int
}

func (p Pair) first() string  { return p.First }
func (p Pair) second() string { return p.Second }

// ModuleName names the module.
func (m *Pairs) ModuleName() string { return cmp.Or(m.Name, "Pairs") }

// Define declares it.
func (m *Pairs) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Pairs, "pairs")
	mb := b.Microbatch("pairs")
	mb.PState(&m.Counts, "counts")
	mb.PState(&m.Sum, "sum", pstate.Global())
	m.by = agg.Under(Pair.first, agg.SortedKey(Pair.second, agg.Leaf(agg.Count[Pair]())))
	module.DeclareStep(mb, &m.count, "count", module.At(&m.Counts, Pair.first), func(ev *module.Event, p Pair) error {
		m.by(ev, m.Counts, p)
		return nil
	})
	module.DeclareSource(mb, m.Pairs, func(ev *module.Event, p Pair) error {
		m.count.Send(ev, p)
		m.sum.Add(ev, p.Number)
		return nil
	}, module.StartFromBeginning())
	block := mb.Batch("sums")
	module.DeclareAggregate(block, &m.sum, "total", agg.Sum[int](), func(ev *module.Event, sum int, _ bool) error {
		agg.Into(ev, m.Sum, agg.Sum[int](), sum)
		return nil
	})
}

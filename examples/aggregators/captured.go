package aggregators

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Captured counts and adds up per pair of keys, and gives on what is new: once for each pair
// that the microbatch has changed, with its new values.
type Captured struct {
	Triples module.Depot[[]Triple] // those of a record are in one microbatch
	Totals  pstate.MapOf[string, pstate.Map[string, Total]]
	Latest  pstate.Value[[]string] // what the latest microbatch has changed

	pair    module.GroupBy[[2]string, int]
	changed module.Aggregate[string]
}

// Triple is a record.
type Triple struct {
	K1, K2 string
	V      int
}

// Total is what is kept of a pair of keys.
type Total struct{ Count, Sum int }

// Define declares it.
func (m *Captured) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Triples, "triples")
	mb := b.Microbatch("mb")
	mb.PState(&m.Totals, "totals")
	mb.PState(&m.Latest, "latest", pstate.Global())
	module.DeclareSource(mb, m.Triples, func(ev *module.Event, all []Triple) error {
		for _, v := range all {
			m.pair.Add(ev, [2]string{v.K1, v.K2}, v.V)
		}
		return nil
	}, module.StartFromBeginning())
	byFirst := module.At(&m.Totals, func(k [2]string) string { return k[0] })
	module.DeclareGroupBy(mb.Batch("totals"), &m.pair, "pair", byFirst, agg.List[int](), m.onPair)
	module.DeclareAggregate(mb.Batch("tell"), &m.changed, "changed", agg.List[string](), func(ev *module.Event, all []string, _ bool) error {
		slices.Sort(all)
		m.Latest.Set(ev, all)
		return nil
	})
}

func (m *Captured) onPair(ev *module.Event, k [2]string, values []int) error {
	total := m.Totals.Key(k[0]).Key(k[1]).Update(ev, func(t Total) Total {
		for _, v := range values {
			t.Count, t.Sum = t.Count+1, t.Sum+v
		}
		return t
	})
	m.changed.Add(ev, fmt.Sprint(k[0], " ", k[1], " ", total.Count, " ", total.Sum))
	return nil
}

var captured = program.Program{
	Name:  "captured",
	Shows: "what a microbatch has changed, once for each key",
	Rama:  "CaptureNewValIntoModule",
	Run: func(r *program.Run) {
		m := &Captured{}
		r.Launch(m, 4)
		for i, all := range [][]Triple{
			{{"a", "b", 3}, {"a", "c", 2}, {"d", "b", 9}, {"a", "b", 4}},
			{{"a", "b", 1}, {"f", "g", 11}},
		} {
			program.Got(m.Triples.Append(r.Context, r.Client, all))
			program.Check(r.Cluster.WaitForMicrobatchProcessedCount(r.Context, m, "mb", int64(i+1)))
			for _, line := range program.Got(m.Latest.Get(r.Reader)) {
				r.Println("Captured:", line)
			}
		}
	},
	Output: `
Captured: a b 2 7
Captured: a c 1 2
Captured: d b 1 9
Captured: a b 3 8
Captured: f g 1 11
`,
}

package pstates

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// lastTask keeps the last task that was returned.
var lastTask = agg.Last[module.TaskID]()

// Counts counts pairs. It is what the examples of watches watch.
type Counts struct {
	Pairs  module.Depot[Pair]
	Counts pstate.MapOf[string, pstate.SortedMap[string, int64]]
}

// Pair is a record.
type Pair struct{ First, Second string }

// Define declares it.
func (m *Counts) Define(b *module.Builder) {
	module.HashDepot(b, &m.Pairs, "pairs", func(p Pair) string { return p.First })
	s := b.Stream("s")
	s.PState(&m.Counts, "counts")
	module.DeclareSource(s, m.Pairs, func(ev *module.Event, p Pair) error {
		agg.Inc(ev, m.Counts.Key(p.First).Key(p.Second))
		return nil
	})
}

// beside reads all that came with a first one.
func (m *Counts) beside(first string) func(pstate.Reader) (map[string]int64, error) {
	entries := nav.MapEntries(nav.Key(nav.From(m.Counts), first))
	return func(r pstate.Reader) (map[string]int64, error) {
		all := map[string]int64{}
		for e, err := range nav.Select(r, entries) {
			if err != nil {
				return nil, err
			}
			all[e.Key] = e.Val
		}
		return all, nil
	}
}

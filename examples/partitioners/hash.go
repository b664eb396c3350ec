package partitioners

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/pstate"
)

// Hash sends names from random tasks to that of their hash: a name always to the same.
type Hash struct {
	Names module.Depot[string]
	Seen  pstate.List[string]
}

// Define declares it, as dataflow; All has the same in handlers.
func (m *Hash) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Names, "names")
	s := b.Stream("s")
	s.PState(&m.Seen, "seen")
	flow.Source(s, m.Names, func(b *flow.Block, name flow.Var[string]) {
		flow.HopByHash(b, name)
		flow.Do1(b, func(ev *module.Event, name string) error {
			m.Seen.Push(ev, name)
			return nil
		}, name)
	})
}

var hash = program.Program{
	Name:  "hash",
	Shows: "the task of a key's hash, wherever the record was",
	Rama:  "BasicPartitionerExampleModule",
	Run: func(r *program.Run) {
		m := &Hash{}
		r.Launch(m, 8)
		for _, name := range []string{"cagney", "cagney", "lemmon", "lemmon", "bergman", "bergman"} {
			program.Got(m.Names.Append(r.Context, r.Client, name))
		}
		seen(r, 8, m.Seen)
	},
	Output: `
task 1 [bergman bergman]
task 3 [cagney cagney]
task 5 [lemmon lemmon]
`,
}

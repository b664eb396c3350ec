package partitioners

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// All tells every task of each record: as many events as the module has tasks.
type All struct {
	Names module.Depot[string]
	Seen  pstate.List[string]

	see module.Step[string]
}

// Define declares it.
func (m *All) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Names, "names")
	s := b.Stream("s")
	s.PState(&m.Seen, "seen")
	module.DeclareStep(s, &m.see, "see", module.Stay[string](), func(ev *module.Event, name string) error {
		m.Seen.Push(ev, name)
		return nil
	})
	module.DeclareSource(s, m.Names, func(ev *module.Event, name string) error {
		m.see.SendAll(ev, name)
		return nil
	})
}

var all = program.Program{
	Name:  "all",
	Shows: "every task, once for each record",
	Rama:  "AllPartitionerExampleModule",
	Run: func(r *program.Run) {
		m := &All{}
		r.Launch(m, 4)
		for _, name := range []string{"groucho", "harpo", "chico"} {
			program.Got(m.Names.Append(r.Context, r.Client, name))
		}
		seen(r, 4, m.Seen)
	},
	Output: `
task 0 [groucho harpo chico]
task 1 [groucho harpo chico]
task 2 [groucho harpo chico]
task 3 [groucho harpo chico]
`,
}

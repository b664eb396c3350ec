package partitioners

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Global adds all numbers up in one place: that task is the bottleneck. A microbatch adds them
// up on each task first (aggregators/pairs).
type Global struct {
	Numbers module.Depot[int]
	Total   pstate.Value[int]

	add module.Step[int]
}

// Define declares it.
func (m *Global) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Numbers, "numbers")
	s := b.Stream("s")
	s.PState(&m.Total, "total", pstate.Global())
	module.DeclareStep(s, &m.add, "add", module.Global[int](), func(ev *module.Event, n int) error {
		agg.Add(ev, m.Total, n)
		return nil
	})
	module.DeclareSource(s, m.Numbers, func(ev *module.Event, n int) error {
		m.add.Send(ev, n)
		return nil
	})
}

var global = program.Program{
	Name:  "global",
	Shows: "one task for all",
	Run: func(r *program.Run) {
		m := &Global{}
		r.Launch(m, 4)
		for n := range 5 {
			program.Got(m.Numbers.Append(r.Context, r.Client, n))
		}
		r.Println("total", program.Got(m.Total.Get(r.Reader)))
	},
	Output: `
total 10
`,
}

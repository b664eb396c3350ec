package queries

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
)

// Within has a query that asks another one.
type Within struct {
	Triple module.Query[int, int]
	More   module.Query[int, int]
}

// Define declares it.
func (m *Within) Define(b *module.Builder) {
	module.DeclareQuery(b, &m.Triple, "triple", func(_ *module.Asked, a int) (int, error) { return a * 3, nil })
	module.DeclareQuery(b, &m.More, "more", func(q *module.Asked, a int) (int, error) {
		v, err := m.Triple.Within(q, a)
		return v + 1, err
	})
}

var within = program.Program{
	Name:  "within",
	Shows: "a query that asks another one",
	Rama:  "ColocatedQueryTopologyInvokeModule",
	Run: func(r *program.Run) {
		m := &Within{}
		r.Launch(m, 4)
		r.Println("Query 1:", program.Got(m.More.Ask(r.Context, r.Client, 1)))
		r.Println("Query 2:", program.Got(m.More.Ask(r.Context, r.Client, 10)))
	},
	Output: `
Query 1: 4
Query 2: 31
`,
}

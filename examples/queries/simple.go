package queries

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
)

// Simple answers a sum. A query has one argument: several are a struct.
type Simple struct {
	Sum module.Query[Two, int]
}

// Two is the argument.
type Two struct{ A, B int }

// Define declares it.
func (m *Simple) Define(b *module.Builder) {
	module.DeclareQuery(b, &m.Sum, "sum", func(_ *module.Asked, v Two) (int, error) {
		return v.A + v.B + 1, nil
	})
}

var simple = program.Program{
	Name:  "simple",
	Shows: "a function with an argument and a result",
	Rama:  "SimpleQueryModule",
	Run: func(r *program.Run) {
		m := &Simple{}
		r.Launch(m, 4)
		r.Println("Query 1:", program.Got(m.Sum.Ask(r.Context, r.Client, Two{1, 2})))
		r.Println("Query 2:", program.Got(m.Sum.Ask(r.Context, r.Client, Two{10, 7})))
	},
	Output: `
Query 1: 4
Query 2: 18
`,
}

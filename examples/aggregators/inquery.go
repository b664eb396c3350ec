package aggregators

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
)

// InQuery adds up numbers in a query.
type InQuery struct {
	Sum module.Query[[]int, int]
}

// Define declares it.
func (m *InQuery) Define(b *module.Builder) {
	module.DeclareQuery(b, &m.Sum, "sum", func(_ *module.Asked, numbers []int) (int, error) {
		return module.Gather(numbers, 0, func(sum, n int) int { return sum + n }), nil
	})
}

var inQuery = program.Program{
	Name:  "inquery",
	Shows: "values are gathered in a query",
	Rama:  "QueryAggValueModule",
	Run: func(r *program.Run) {
		m := &InQuery{}
		r.Launch(m, 2)
		r.Println("Query 1:", program.Got(m.Sum.Ask(r.Context, r.Client, []int{1, 2, 3})))
		r.Println("Query 2:", program.Got(m.Sum.Ask(r.Context, r.Client, []int{10, 15, 20, 25})))
	},
	Output: `
Query 1: 6
Query 2: 70
`,
}

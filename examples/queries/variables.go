package queries

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
)

// Variables keeps something between two parts of a question, for the time of the question:
// in a variable, which is gone with it.
type Variables struct {
	Foo module.Query[Two, int]
}

// Define declares it.
func (m *Variables) Define(b *module.Builder) {
	module.DeclareQuery(b, &m.Foo, "foo", func(q *module.Asked, v Two) (int, error) {
		kept, err := module.Each(q, []int{v.A}, func(_ *module.Asked, key int) (map[int]int, error) {
			return map[int]int{key: v.B}, nil
		})
		if err != nil {
			return 0, err
		}
		return v.A + kept[0][v.A], nil
	})
}

var variables = program.Program{
	Name:  "variables",
	Shows: "what a question keeps until it is answered",
	Rama:  "TemporaryQueryStateModule",
	Run: func(r *program.Run) {
		m := &Variables{}
		r.Launch(m, 4)
		for _, v := range []Two{{2, 3}, {2, 4}, {3, 5}} {
			r.Println("Result:", program.Got(m.Foo.Ask(r.Context, r.Client, v)))
		}
	},
	Output: `
Result: 5
Result: 6
Result: 8
`,
}

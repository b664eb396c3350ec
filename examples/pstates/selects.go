package pstates

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// Selects keeps a set of numbers for each name.
type Selects struct {
	Numbers module.Depot[Number]
	Sets    pstate.MapOf[string, pstate.SortedSet[int64]]
}

// Number is a record.
type Number struct {
	Name string
	N    int64
}

// Define declares it.
func (m *Selects) Define(b *module.Builder) {
	module.HashDepot(b, &m.Numbers, "numbers", func(v Number) string { return v.Name })
	s := b.Stream("s")
	s.PState(&m.Sets, "sets")
	module.DeclareSource(s, m.Numbers, func(ev *module.Event, v Number) error {
		m.Sets.Key(v.Name).Add(ev, v.N)
		return nil
	})
}

var selects = program.Program{
	Name:  "selects",
	Shows: "a client reads along paths: one task and one moment",
	Rama:  "ClientBasicSelectExamplesModule",
	Run: func(r *program.Run) {
		m := &Selects{}
		r.Launch(m, 4)
		for _, v := range []Number{{"cagney", 1}, {"cagney", 7}, {"cagney", 3}, {"cagney", 8}, {"davis", 10}, {"davis", 12}, {"davis", 14}} {
			program.Got(m.Numbers.Append(r.Context, r.Client, v))
		}
		davis := nav.Key(nav.From(m.Sets), "davis")
		r.Println("select (davis):", program.Got(nav.SelectAll(r.Reader, nav.All(davis))))
		whole := nav.Subselect(davis, nav.All(nav.Inside[pstate.SortedSet[int64]]()))
		r.Println("selectOne (davis):", program.Got(nav.SelectOne(r.Reader, whole)))
		odd := nav.Filter(nav.All(nav.Key(nav.From(m.Sets), "cagney")), func(n int64) bool { return n%2 == 1 })
		r.Println("select (cagney):", program.Got(nav.SelectAll(r.Reader, odd)))
	},
	Output: `
select (davis): [10 12 14]
selectOne (davis): [10 12 14]
select (cagney): [1 3 7]
`,
}

package paths

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// Terms changes what paths lead to: computes it anew, replaces it, removes it.
type Terms struct {
	Do      module.Depot[string]
	Numbers pstate.SortedMap[string, int]
	List    pstate.List[int]
}

// Define declares it.
func (m *Terms) Define(b *module.Builder) {
	module.GlobalDepot(b, &m.Do, "do")
	s := b.Stream("s")
	s.PState(&m.Numbers, "numbers", pstate.Global())
	s.PState(&m.List, "list", pstate.Global())
	module.DeclareSource(s, m.Do, m.onDo)
}

func (m *Terms) onDo(ev *module.Event, what string) error {
	a, b := nav.Key(nav.From(m.Numbers), "a"), nav.Key(nav.From(m.Numbers), "b")
	switch what {
	case "set":
		nav.Set(ev, a, 1)
		nav.Set(ev, b, 2)
		for n := range 3 {
			m.List.Push(ev, n+1)
		}
	case "compute":
		// What Rama hands to term as arguments, a Go function has around it.
		nav.Update(ev, a, func(n int) int { return n + 10 })
		times, plus := 10, 20
		nav.Update(ev, b, func(n int) int { return n*times + plus })
	case "remove":
		nav.Delete(ev, nav.Nth(nav.From(m.List), 1))
		nav.Delete(ev, b)
	case "rename":
		nav.Set(ev, nav.MapKey(nav.From(m.Numbers), "a"), "c")
	}
	return nil
}

var terms = program.Program{
	Name:  "terms",
	Shows: "values are computed anew, replaced, removed; a key is renamed",
	Rama:  "MultiArityTermModule, TermVoidModule, MapKeyModule",
	Run: func(r *program.Run) {
		m := &Terms{}
		r.Launch(m, 4)
		for _, what := range []string{"set", "compute", "remove", "rename"} {
			program.Got(m.Do.Append(r.Context, r.Client, what))
			r.Println(what)
			print(r, r.AtTask(0), " ", nav.MapEntries(nav.From(m.Numbers)))
			print(r, r.AtTask(0), " ", nav.All(nav.From(m.List)))
		}
	},
	Output: `
set
  [{a 1} {b 2}]
  [1 2 3]
compute
  [{a 11} {b 40}]
  [1 2 3]
remove
  [{a 11}]
  [1 3]
rename
  [{c 11}]
  [1 3]
`,
}

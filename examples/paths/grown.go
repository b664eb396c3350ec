package paths

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// Grown adds to lists and sets: paths lead to where nothing is yet, and what is set there is
// put in.
type Grown struct {
	Do    module.Depot[[2]string]
	List  pstate.List[string]
	Slice pstate.Value[[]string] // read and written as a whole
	Set   pstate.SortedSet[string]
}

// Define declares it.
func (m *Grown) Define(b *module.Builder) {
	module.GlobalDepot(b, &m.Do, "do")
	s := b.Stream("s")
	s.PState(&m.List, "list", pstate.Global())
	s.PState(&m.Slice, "slice", pstate.Global())
	s.PState(&m.Set, "set", pstate.Global())
	module.DeclareSource(s, m.Do, func(ev *module.Event, do [2]string) error {
		v := do[1]
		list, slice := nav.From(m.List), nav.FromValue(m.Slice)
		nav.Set(ev, nav.VoidElem(nav.From(m.Set)), v)
		switch do[0] {
		case "append":
			nav.Set(ev, nav.AfterElem(list), v)
			nav.Update(ev, slice, func(all []string) []string { return append(all, v) })
		case "prepend":
			nav.Set(ev, nav.BeforeElem(list), v)
			nav.Set(ev, nav.Slice(slice, 0, 0), []string{v})
		case "insert":
			nav.Set(ev, nav.BeforeIndex(list, 2), v)
			nav.Set(ev, nav.Slice(slice, 2, 2), []string{v})
		}
		return nil
	})
}

var grown = program.Program{
	Name:  "grown",
	Shows: "what lists and sets get at their ends and in their middle",
	Rama:  "ListVirtualValuesModule, SetVirtualValuesModule",
	Run: func(r *program.Run) {
		m := &Grown{}
		r.Launch(m, 4)
		for _, do := range [][2]string{{"append", "a"}, {"append", "b"}, {"append", "c"}, {"prepend", "d"}, {"insert", "e"}} {
			program.Got(m.Do.Append(r.Context, r.Client, do))
		}
		print(r, r.AtTask(0), "list:", nav.All(nav.From(m.List)))
		print(r, r.AtTask(0), "slice:", nav.Items(nav.FromValue(m.Slice)))
		print(r, r.AtTask(0), "set:", nav.All(nav.From(m.Set)))
	},
	Output: `
list: [d a e b c]
slice: [d a e b c]
set: [a b c d e]
`,
}

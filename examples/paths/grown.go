package paths

import (
	"slices"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// Grown adds to lists and sets: what is not there yet has no path, so handles do it.
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
		m.Set.Add(ev, v)
		switch do[0] {
		case "append":
			m.List.Push(ev, v)
			m.Slice.Update(ev, func(all []string) []string { return append(all, v) })
		case "prepend":
			m.List.PushFront(ev, v)
			m.Slice.Update(ev, func(all []string) []string { return slices.Insert(all, 0, v) })
		case "insert":
			m.Slice.Update(ev, func(all []string) []string { return slices.Insert(all, 2, v) })
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
list: [d a b c]
slice: [d a e b c]
set: [a b c d e]
`,
}

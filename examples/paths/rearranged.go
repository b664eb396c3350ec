package paths

import (
	"slices"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// Rearranged changes many elements as one slice: they are written back to where they were.
type Rearranged struct {
	Do      module.Depot[string]
	Numbers pstate.List[int]
	Letters pstate.List[string]
	Nested  pstate.ListOf[pstate.List[int]]
}

// Define declares it.
func (m *Rearranged) Define(b *module.Builder) {
	module.GlobalDepot(b, &m.Do, "do")
	s := b.Stream("s")
	s.PState(&m.Numbers, "numbers", pstate.Global())
	s.PState(&m.Letters, "letters", pstate.Global())
	s.PState(&m.Nested, "nested", pstate.Global())
	module.DeclareSource(s, m.Do, m.onDo)
}

func (m *Rearranged) onDo(ev *module.Event, what string) error {
	if what == "set" {
		for n := range 6 {
			m.Numbers.Push(ev, n)
			m.Letters.Push(ev, string(rune('a'+n)))
		}
		for _, all := range [][]int{{1, 2, 3, 4}, {5, 6, 7}, {8, 9, 10}} {
			inner := m.Nested.Push(ev)
			for _, n := range all {
				inner.Push(ev, n)
			}
		}
		return nil
	}
	// A path that begins in the middle (Inside) is a part of another one.
	evens := nav.Filter(nav.All(nav.Inside[pstate.List[int]]()), func(n int) bool { return n%2 == 0 })
	nav.Update(ev, nav.Subselect(nav.From(m.Numbers), evens), reversed[int])
	middle := nav.All(nav.Range(nav.Inside[pstate.List[string]](), 1, 5))
	nav.Update(ev, nav.Subselect(nav.From(m.Letters), middle), reversed[string])
	odds := nav.Filter(nav.All(nav.All(nav.Inside[pstate.ListOf[pstate.List[int]]]())), odd)
	nav.Update(ev, nav.Subselect(nav.From(m.Nested), odds), reversed[int])
	return nil
}

func reversed[T any](all []T) []T {
	all = slices.Clone(all)
	slices.Reverse(all)
	return all
}

var rearranged = program.Program{
	Name:  "rearranged",
	Shows: "some elements of a list, a part of one, and some of nested lists, in reverse",
	Rama:  "FilteredListModule, SubListModule, SubselectModule",
	Run: func(r *program.Run) {
		m := &Rearranged{}
		r.Launch(m, 4)
		for _, what := range []string{"set", "reverse"} {
			program.Got(m.Do.Append(r.Context, r.Client, what))
			r.Println(what)
			print(r, r.AtTask(0), "  numbers", nav.All(nav.From(m.Numbers)))
			print(r, r.AtTask(0), "  letters", nav.All(nav.From(m.Letters)))
			print(r, r.AtTask(0), "  nested", nav.Subselect(nav.All(nav.From(m.Nested)), nav.All(nav.Inside[pstate.List[int]]())))
		}
	},
	Output: `
set
  numbers [0 1 2 3 4 5]
  letters [a b c d e f]
  nested [[1 2 3 4] [5 6 7] [8 9 10]]
reverse
  numbers [4 1 2 3 0 5]
  letters [a e d c b f]
  nested [[9 2 7 4] [5 6 3] [8 1 10]]
`,
}

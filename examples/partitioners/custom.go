package partitioners

import (
	"fmt"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Custom has functions choose the task: the first hop goes to task 1, the second to the first
// or to the last one.
type Custom struct {
	Pairs module.Depot[[2]int]
	Seen  pstate.List[string]

	one, last module.Step[[2]int]
}

// Define declares it.
func (m *Custom) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Pairs, "pairs")
	s := b.Stream("s")
	s.PState(&m.Seen, "seen")
	toOne := module.Custom(func([2]int, int) int { return 1 })
	byOrder := module.Custom(func(p [2]int, tasks int) int {
		if p[1] > p[0] {
			return 0
		}
		return tasks - 1
	})
	module.DeclareStep(s, &m.one, "one", toOne, func(ev *module.Event, p [2]int) error {
		m.Seen.Push(ev, fmt.Sprint("next ", p))
		m.last.Send(ev, p)
		return nil
	})
	module.DeclareStep(s, &m.last, "last", byOrder, func(ev *module.Event, p [2]int) error {
		m.Seen.Push(ev, fmt.Sprint("final ", p))
		return nil
	})
	module.DeclareSource(s, m.Pairs, func(ev *module.Event, p [2]int) error {
		m.one.Send(ev, p)
		return nil
	})
}

var custom = program.Program{
	Name:  "custom",
	Shows: "the task that a function chooses",
	Rama:  "CustomPartitionerModule",
	Run: func(r *program.Run) {
		m := &Custom{}
		r.Launch(m, 4)
		program.Got(m.Pairs.Append(r.Context, r.Client, [2]int{0, 1}))
		program.Got(m.Pairs.Append(r.Context, r.Client, [2]int{5, 2}))
		seen(r, 4, m.Seen)
	},
	Output: `
task 0 [final [0 1]]
task 1 [next [0 1] next [5 2]]
task 3 [final [5 2]]
`,
}

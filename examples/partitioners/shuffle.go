package partitioners

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Shuffle spreads work over all tasks: in a random order, and evenly, for no task has its
// second turn before all have had their first.
type Shuffle struct {
	Jobs module.Depot[int]
	Done pstate.Value[int] // on each task

	do module.Step[int]
}

// Define declares it.
func (m *Shuffle) Define(b *module.Builder) {
	module.GlobalDepot(b, &m.Jobs, "jobs")
	s := b.Stream("s")
	s.PState(&m.Done, "done")
	module.DeclareStep(s, &m.do, "do", module.Shuffle[int](), func(ev *module.Event, _ int) error {
		m.Done.Update(ev, func(n int) int { return n + 1 })
		return nil
	})
	module.DeclareSource(s, m.Jobs, func(ev *module.Event, n int) error {
		for i := range n {
			m.do.Send(ev, i)
		}
		return nil
	})
}

var shuffle = program.Program{
	Name:  "shuffle",
	Shows: "random tasks, evenly",
	Run: func(r *program.Run) {
		m := &Shuffle{}
		r.Launch(m, 4)
		program.Got(m.Jobs.Append(r.Context, r.Client, 20))
		for id := range 4 {
			r.Println("task", id, "did", program.Got(m.Done.Get(r.AtTask(module.TaskID(id)))))
		}
	},
	Output: `
task 0 did 5
task 1 did 5
task 2 did 5
task 3 did 5
`,
}

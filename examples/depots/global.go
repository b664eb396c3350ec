package depots

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Global has a depot of one partition: all of its records have one order, and task 0.
type Global struct {
	Words module.Depot[string]
	Seen  pstate.List[string]
}

// Define declares it.
func (m *Global) Define(b *module.Builder) {
	module.GlobalDepot(b, &m.Words, "words")
	s := b.Stream("s")
	s.PState(&m.Seen, "seen")
	module.DeclareSource(s, m.Words, func(ev *module.Event, word string) error {
		m.Seen.Push(ev, word)
		return nil
	})
}

var global = program.Program{
	Name:  "global",
	Shows: "a depot of one partition, whose records have one order",
	Rama:  "GlobalDepotModule",
	Run: func(r *program.Run) {
		m := &Global{}
		r.Launch(m, 4)
		for _, word := range []string{"one", "two", "three"} {
			program.Got(m.Words.Append(r.Context, r.Client, word))
		}
		info := program.Got(m.Words.Info(r.Context, r.Client))
		r.Println("partitions:", info.Partitions)
		for _, e := range program.All(m.Seen.Range(r.AtTask(0), pstate.All[int]())) {
			r.Println("task 0 saw", e.Val)
		}
	},
	Output: `
partitions: 1
task 0 saw one
task 0 saw two
task 0 saw three
`,
}

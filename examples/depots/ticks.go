package depots

import (
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Ticks hears a tick every three seconds, on task 0, and tells all tasks of it.
type Ticks struct {
	Every module.Ticks
	Heard pstate.Value[int] // on each task: how many

	hear module.Step[time.Time]
}

// Define declares it.
func (m *Ticks) Define(b *module.Builder) {
	module.TickDepot(b, &m.Every, "every", 3*time.Second)
	s := b.Stream("s")
	s.PState(&m.Heard, "heard")
	module.DeclareStep(s, &m.hear, "hear", module.Stay[time.Time](), func(ev *module.Event, _ time.Time) error {
		m.Heard.Update(ev, func(n int) int { return n + 1 })
		return nil
	})
	module.DeclareTickSource(s, m.Every, func(ev *module.Event, t module.Tick) error {
		m.hear.SendAll(ev, t.Time)
		return nil
	})
}

var ticks = program.Program{
	Name:  "ticks",
	Shows: "a tick every three seconds, for ten seconds of a clock that the program moves",
	Rama:  "TickDepotModule",
	Clock: true,
	Run: func(r *program.Run) {
		m := &Ticks{}
		r.Launch(m, 4)
		for second := 1; second <= 10; second++ {
			r.Clock.Advance(time.Second)
			if second%3 > 0 {
				continue
			}
			for task := range 4 {
				heard := client.WatchTask(r.Context, r.Client, module.TaskID(task), client.WatchOptions{}, m.Heard.Get)
				program.Until(heard, func(n int) bool { return n == second/3 })
			}
			r.Println(r.Clock.Now().Format(time.TimeOnly), "Tick")
		}
	},
	Output: `
09:00:03 Tick
09:00:06 Tick
09:00:09 Tick
`,
}

package partitioners

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Direct sends a record around: from task 0 to the next one, until there is none. A step that
// sends to itself is a loop over tasks.
type Direct struct {
	Names module.Depot[string]
	Seen  pstate.List[string]

	pass module.Step[string]
}

// Define declares it.
func (m *Direct) Define(b *module.Builder) {
	module.GlobalDepot(b, &m.Names, "names")
	s := b.Stream("s")
	s.PState(&m.Seen, "seen")
	module.DeclareStep(s, &m.pass, "pass", module.Stay[string](), m.onName)
	module.DeclareSource(s, m.Names, m.onName)
}

func (m *Direct) onName(ev *module.Event, name string) error {
	m.Seen.Push(ev, name)
	if next := ev.Task() + 1; int(next) < ev.Tasks() {
		m.pass.SendTo(ev, next, name+"!")
	}
	return nil
}

var direct = program.Program{
	Name:  "direct",
	Shows: "a task that the handler names, in a loop over all of them",
	Run: func(r *program.Run) {
		m := &Direct{}
		r.Launch(m, 4)
		program.Got(m.Names.Append(r.Context, r.Client, "zeppo"))
		seen(r, 4, m.Seen)
	},
	Output: `
task 0 [zeppo]
task 1 [zeppo!]
task 2 [zeppo!!]
task 3 [zeppo!!!]
`,
}

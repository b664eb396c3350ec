package pstates

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Partitioner keeps all keys of a PState on the last task. Steps that are placed at it, and
// clients, go there.
type Partitioner struct {
	Numbers module.Depot[Number]
	Last    pstate.Map[string, int64]
	On      module.Ack[module.TaskID]

	keep module.Step[Number]
}

// Define declares it.
func (m *Partitioner) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Numbers, "numbers")
	s := b.Stream("s")
	s.PState(&m.Last, "last", pstate.PartitionBy(func(_ string, tasks int) int { return tasks - 1 }))
	module.DeclareAck(s, &m.On, lastTask)
	module.DeclareStep(s, &m.keep, "keep", module.At(&m.Last, func(v Number) string { return v.Name }), func(ev *module.Event, v Number) error {
		m.Last.Key(v.Name).Set(ev, v.N)
		m.On.Return(ev, ev.Task())
		return nil
	})
	module.DeclareSource(s, m.Numbers, func(ev *module.Event, v Number) error {
		m.keep.Send(ev, v)
		return nil
	})
}

var partitioner = program.Program{
	Name:  "partitioner",
	Shows: "a function says which task keeps a key",
	Rama:  "CustomKeyPartitionerModule",
	Run: func(r *program.Run) {
		m := &Partitioner{}
		r.Launch(m, 4)
		for _, v := range []Number{{"a", 1}, {"b", 2}, {"c", 3}} {
			on, _ := m.On.From(program.Got(m.Numbers.Append(r.Context, r.Client, v)))
			r.Printf("%s on task %d: %d\n", v.Name, on, program.Got(m.Last.Key(v.Name).Get(r.Reader)))
		}
	},
	Output: `
a on task 3: 1
b on task 3: 2
c on task 3: 3
`,
}

package depots

import (
	"errors"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
)

// Emit has a topology that appends to a depot: what comes in is sent to the task of its
// second key, and appended there, with one more. Whoever reads that depot goes on from what
// is committed.
type Emit struct {
	Incoming module.Depot[Move]
	Outgoing module.Depot[Pair]

	move module.Step[Move]
}

// Move is a record of the first depot.
type Move struct {
	From, To string
	Val      int
}

// Define declares it.
func (m *Emit) Define(b *module.Builder) {
	module.HashDepot(b, &m.Incoming, "incoming", func(v Move) string { return v.From })
	module.RandomDepot(b, &m.Outgoing, "outgoing", module.DisallowAppends())
	s := b.Stream("s")
	module.DeclareStep(s, &m.move, "move", module.ByHash(func(v Move) string { return v.To }), func(ev *module.Event, v Move) error {
		m.Outgoing.EmitTo(ev, ev.Task(), Pair{v.To, v.Val + 1})
		return nil
	})
	module.DeclareSource(s, m.Incoming, func(ev *module.Event, v Move) error {
		m.move.Send(ev, v)
		return nil
	})
}

var emit = program.Program{
	Name:  "emit",
	Shows: "a topology appends to a depot, on the task where it is",
	Rama:  "DepotPartitionAppendModule",
	Run: func(r *program.Run) {
		m := &Emit{}
		r.Launch(m, 4)
		for n, to := range []string{"a", "d", "a"} {
			// The append returns when the record is done, and its own append with it.
			program.Got(m.Incoming.Append(r.Context, r.Client, Move{"x", to, n}))
		}
		for partition := range 4 {
			at := program.Got(m.Outgoing.PartitionInfo(r.Context, r.Client, partition))
			for _, record := range program.Got(m.Outgoing.Read(r.Context, r.Client, partition, at.Start, at.End)) {
				r.Println("partition", partition, record.Value)
			}
		}
		_, err := m.Outgoing.Append(r.Context, r.Client, Pair{"a", 7})
		r.Println("clients may not:", errors.Is(err, module.ErrDisallowed))
	},
	Output: `
partition 0 {a 1}
partition 0 {a 3}
partition 1 {d 2}
clients may not: true
`,
}

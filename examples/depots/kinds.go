package depots

import (
	"errors"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
)

// Kinds has a depot of each kind, and nothing that reads them.
type Kinds struct {
	Random module.Depot[string]
	Hashed module.Depot[Pair]
	Closed module.Depot[string]
}

// Pair is a record with a key.
type Pair struct {
	Key string
	Val int
}

// Define declares it.
func (m *Kinds) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Random, "random")
	module.HashDepot(b, &m.Hashed, "hashed", func(p Pair) string { return p.Key })
	module.RandomDepot(b, &m.Closed, "closed", module.DisallowAppends())
}

var kinds = program.Program{
	Name:  "kinds",
	Shows: "records at random, by key, and a depot that takes none of clients",
	Rama:  "BasicDepotExamplesModule",
	Run: func(r *program.Run) {
		m := &Kinds{}
		r.Launch(m, 4)
		for n := range 3 {
			program.Got(m.Random.Append(r.Context, r.Client, "x"))
			program.Got(m.Hashed.Append(r.Context, r.Client, Pair{"a", n}))
		}
		anywhere := 0
		for partition := range 4 {
			at := program.Got(m.Random.PartitionInfo(r.Context, r.Client, partition))
			anywhere += int(at.End - at.Start)
			at = program.Got(m.Hashed.PartitionInfo(r.Context, r.Client, partition))
			for _, record := range program.Got(m.Hashed.Read(r.Context, r.Client, partition, at.Start, at.End)) {
				r.Println("hashed, partition", partition, "offset", record.Offset, record.Value)
			}
		}
		r.Println("random, all partitions together:", anywhere)
		_, err := m.Closed.Append(r.Context, r.Client, "x")
		r.Println("closed, of clients:", errors.Is(err, module.ErrDisallowed))
	},
	Output: `
hashed, partition 0 offset 0 {a 0}
hashed, partition 0 offset 1 {a 1}
hashed, partition 0 offset 2 {a 2}
random, all partitions together: 3
closed, of clients: true
`,
}

package depots

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
)

// Custom has a depot whose partitions a function chooses: 11 goes to the last one, all
// else to the first.
type Custom struct {
	Numbers module.Depot[int]
}

// Define declares it.
func (m *Custom) Define(b *module.Builder) {
	module.CustomDepot(b, &m.Numbers, "numbers", func(n, partitions int) int {
		if n == 11 {
			return partitions - 1
		}
		return 0
	})
}

var custom = program.Program{
	Name:  "custom",
	Shows: "a function chooses the partition of a record",
	Rama:  "CustomPartitioningModule",
	Run: func(r *program.Run) {
		m := &Custom{}
		r.Launch(m, 4)
		for _, n := range []int{1, 11, 12, 11} {
			program.Got(m.Numbers.Append(r.Context, r.Client, n))
		}
		for partition := range 4 {
			at := program.Got(m.Numbers.PartitionInfo(r.Context, r.Client, partition))
			r.Printf("partition %d:", partition)
			for _, record := range program.Got(m.Numbers.Read(r.Context, r.Client, partition, at.Start, at.End)) {
				r.Printf(" %d", record.Value)
			}
			r.Println()
		}
	},
	Output: `
partition 0: 1 12
partition 1:
partition 2:
partition 3: 11 11
`,
}

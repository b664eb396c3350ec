package depots

import (
	"cmp"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
)

// Visit is a record that got its country later.
type Visit struct {
	Who     string
	Country string `json:",omitempty"`
	Robot   bool   `json:",omitempty"`
}

// Visits is two versions of a module: the second one migrates the depot.
type Visits struct {
	Second bool
	Visits module.Depot[Visit]
}

// Define declares it.
func (m *Visits) Define(b *module.Builder) {
	var options []module.DepotOption
	if m.Second {
		options = append(options, module.Migrate("no-robots", func(v Visit) (Visit, bool) {
			v.Country = cmp.Or(v.Country, "unknown")
			return v, !v.Robot // false: the record is no more
		}))
	}
	module.GlobalDepot(b, &m.Visits, "visits", options...)
}

var migrated = program.Program{
	Name:  "migrated",
	Shows: "records of another time pass through a function when they are read",
	Run: func(r *program.Run) {
		first := &Visits{}
		r.Launch(first, 4)
		for _, v := range []Visit{{Who: "ann"}, {Who: "crawler", Robot: true}, {Who: "bob", Country: "AT"}} {
			program.Got(first.Visits.Append(r.Context, r.Client, v))
		}
		second := &Visits{Second: true}
		program.Check(r.Client.Use(r.Context, second))
		for _, m := range []*Visits{first, second} {
			r.Println("migrated:", m.Second)
			for _, record := range program.Got(m.Visits.Read(r.Context, r.Client, 0, 0, 3)) {
				r.Printf("  offset %d %s %q\n", record.Offset, record.Value.Who, record.Value.Country)
			}
		}
	},
	Output: `
migrated: false
  offset 0 ann ""
  offset 1 crawler ""
  offset 2 bob "AT"
migrated: true
  offset 0 ann "unknown"
  offset 2 bob "AT"
`,
}

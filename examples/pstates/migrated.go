package pstates

import (
	"strconv"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// First is the first version of a module: its values are numbers.
type First struct {
	Numbers module.Depot[Number]
	P       pstate.Map[string, int64]
}

// ModuleName is that of both versions.
func (m *First) ModuleName() string { return "Migrated" }

func byName(v Number) string { return v.Name }

// Define declares it.
func (m *First) Define(b *module.Builder) {
	module.HashDepot(b, &m.Numbers, "numbers", byName)
	s := b.Stream("s")
	s.PState(&m.P, "p")
	module.DeclareSource(s, m.Numbers, func(ev *module.Event, v Number) error {
		m.P.Key(v.Name).Set(ev, v.N)
		return nil
	})
}

// Second is the second version: its values are text. Those that are stored pass through a
// function when they are read, and are rewritten beside the work.
type Second struct {
	Numbers module.Depot[Number]
	P       pstate.Map[string, string]
}

// ModuleName is that of both versions.
func (m *Second) ModuleName() string { return "Migrated" }

// Define declares it.
func (m *Second) Define(b *module.Builder) {
	module.HashDepot(b, &m.Numbers, "numbers", byName)
	s := b.Stream("s")
	s.PState(&m.P, "p", pstate.Migrate("text", loud))
	module.DeclareSource(s, m.Numbers, func(ev *module.Event, v Number) error {
		m.P.Key(v.Name).Set(ev, loud(v.N))
		return nil
	})
}

func loud(n int64) string { return strconv.FormatInt(n, 10) + "!" }

var migrated = program.Program{
	Name:  "migrated",
	Shows: "a new version of a module reads what the old one has stored",
	Run: func(r *program.Run) {
		first, second := &First{}, &Second{}
		r.Launch(first, 4)
		for i, name := range []string{"a", "b", "c"} {
			program.Got(first.Numbers.Append(r.Context, r.Client, Number{name, int64(i + 1)}))
		}
		for _, w := range r.Cluster.Workers() {
			program.Check(w.StopModule(r.Context, "Migrated"))
		}
		r.Launch(second, 4)
		for _, name := range []string{"a", "b", "c"} {
			r.Println(name, program.Got(second.P.Key(name).Get(r.Reader)))
		}
	},
	Output: `
a 1!
b 2!
c 3!
`,
}

package paths

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Data is what the paths of several examples lead through: sorted maps of numbers, per name.
type Data struct {
	Entries module.Depot[Entry]
	Data    pstate.MapOf[string, pstate.SortedMap[string, []int]]
}

// Entry is a record.
type Entry struct {
	Outer, Inner string
	Numbers      []int
}

// Define declares it.
func (m *Data) Define(b *module.Builder) {
	module.HashDepot(b, &m.Entries, "entries", func(e Entry) string { return e.Outer })
	s := b.Stream("s")
	s.PState(&m.Data, "data")
	module.DeclareSource(s, m.Entries, func(ev *module.Event, e Entry) error {
		m.Data.Key(e.Outer).Key(e.Inner).Set(ev, e.Numbers)
		return nil
	})
}

// launchData starts it on one task, with two names, and returns a reader of that task: a
// path through all keys of a PState has to be told on which task.
func launchData(r *program.Run) (*Data, pstate.Reader) {
	m := &Data{}
	r.Launch(m, 1)
	for _, e := range []Entry{{"a0", "a1", []int{9, 3, 6}}, {"a0", "b1", []int{0, 8}}, {"b0", "c1", []int{5, 7}}} {
		program.Got(m.Entries.Append(r.Context, r.Client, e))
	}
	return m, r.AtTask(0)
}

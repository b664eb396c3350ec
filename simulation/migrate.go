package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Migrate is the workload of a module whose next version has other values: of a stream and of a
// microbatch topology, in maps, sorted maps and lists. Counts are read and written before it,
// while values are rewritten, and after that, and none is lost; in the end no value of before is
// left.
func Migrate() Workload {
	return Workload{Name: "migrate", New: func() Case { return &migrateCase{} }}
}

// tally is what a count becomes.
type tally struct{ Times int }

const inTallies = "tallied"

func tallyOf(n int) tally { return tally{n} }

// counts keeps what values of type V count, in a module whose versions are of two such types.
type counts[V any] struct {
	Items   module.Depot[int]
	Loose   pstate.Map[string, V]
	Sorted  pstate.MapOf[int, pstate.SortedMap[int, V]]
	Lines   pstate.List[V]
	Batched pstate.Map[string, V]

	more    func(V) V
	options []pstate.Option
}

func (m *counts[V]) ModuleName() string { return "Migrate" }

func (m *counts[V]) Define(b *module.Builder) {
	module.HashDepot(b, &m.Items, "items", shared)
	s := b.Stream("counts")
	s.PState(&m.Loose, "loose", m.options...)
	s.PState(&m.Sorted, "sorted", m.options...)
	s.PState(&m.Lines, "lines", m.options...)
	module.DeclareSource(s, m.Items, func(ev *module.Event, n int) error {
		m.Loose.Key(own(n)).Update(ev, m.more)
		m.Loose.Key(shared(n)).Update(ev, m.more)
		m.Sorted.Key(n%3).Key(n).Update(ev, m.more)
		var zero V
		m.Lines.Push(ev, m.more(zero))
		return nil
	}, module.StartFromBeginning())
	batched := b.Microbatch("batched")
	batched.PState(&m.Batched, "batched", m.options...)
	module.DeclareSource(batched, m.Items, func(ev *module.Event, n int) error {
		m.Batched.Key(own(n)).Update(ev, m.more)
		m.Batched.Key(shared(n)).Update(ev, m.more)
		return nil
	}, module.StartFromBeginning())
}

// own is a key of one record, shared one of many; both lie on the task of the latter.
func own(n int) string    { return fmt.Sprint("own ", n) }
func shared(n int) string { return fmt.Sprint("shared ", n%4) }

type migrateCase struct {
	before counts[int]
	after  counts[tally]
	count  int
}

func (c *migrateCase) Module() module.Module {
	c.before.more = func(n int) int { return n + 1 }
	return &c.before
}

// next is the version that the module gets.
func (c *migrateCase) next() module.Module {
	c.after.more = func(t tally) tally { return tally{t.Times + 1} }
	c.after.options = []pstate.Option{pstate.Migrate(inTallies, tallyOf)}
	return &c.after
}

func (c *migrateCase) Append(a module.Appender, _ *rand.Rand, number int) error {
	c.count = number + 1
	_, err := c.before.Items.Append(context.Background(), a, number)
	return err
}

func (c *migrateCase) Acked(int, module.Acks) error { return nil }

func (c *migrateCase) Check(pstate.Reader, func(int) bool) error { return nil }

// checkAt looks at each task: the keys of one record lie with those of many.
func (c *migrateCase) checkAt(at []pstate.Reader, exact bool) error {
	var wrong []error
	sharing, lines := map[string]int{}, 0
	want := func(what string, n int, get func(pstate.Reader) (tally, error)) {
		have := 0
		for _, r := range at {
			t, err := get(r)
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %w", what, err))
				return
			}
			have += t.Times
		}
		if have != n {
			wrong = append(wrong, fmt.Errorf("%s was counted %d times, want %d", what, have, n))
		}
	}
	for n := range c.count {
		sharing[shared(n)]++
		want("loose "+own(n), 1, c.after.Loose.Key(own(n)).Get)
		want(fmt.Sprint("sorted ", n), 1, c.after.Sorted.Key(n%3).Key(n).Get)
		if exact {
			want("batched "+own(n), 1, c.after.Batched.Key(own(n)).Get)
		}
	}
	for key, n := range sharing {
		want("loose "+key, n, c.after.Loose.Key(key).Get)
		if exact {
			want("batched "+key, n, c.after.Batched.Key(key).Get)
		}
	}
	for _, r := range at {
		for e, err := range c.after.Lines.Range(r, pstate.All[int]()) {
			if err != nil || e.Val.Times != 1 {
				wrong = append(wrong, fmt.Errorf("line %d: %+v, %v", e.Key, e.Val, err))
			}
			lines++
		}
	}
	if lines != c.count {
		wrong = append(wrong, fmt.Errorf("there are %d lines of %d records", lines, c.count))
	}
	return errors.Join(wrong...)
}

// checkStored looks for values of before.
func (c *migrateCase) checkStored(tag string, tables map[string]map[string]string) error {
	var wrong []error
	for key, table := range tables {
		name, ok := strings.CutPrefix(key, "{"+tag+"}:p:")
		if !ok || strings.HasPrefix(name, "$$") {
			continue
		}
		for field, value := range table {
			if value != "" && field != store.BoundsField && !strings.HasSuffix(value, pstate.MarkOf(inTallies)) {
				wrong = append(wrong, fmt.Errorf("%s holds %q as %q, a value of before the migration", key, field, value))
			}
		}
	}
	return errors.Join(wrong...)
}

// checkTables hands a workload what the servers hold.
func (w *world) checkTables() {
	c, ok := w.workload.(interface {
		checkStored(tag string, tables map[string]map[string]string) error
	})
	if !ok {
		return
	}
	for i, tag := range w.tags {
		if err := c.checkStored(tag, w.serverOf(task.ID(i)).current.slot(tag).tables); err != nil {
			w.violate("%v", err)
		}
	}
}

package integration

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// lineBefore and lineAfter are what versions of a module store of a line.
type lineBefore struct{ Name string }

type lineAfter struct{ First, Last string }

func (l lineBefore) after() lineAfter {
	first, last, _ := strings.Cut(l.Name, " ")
	return lineAfter{first, last}
}

type cardBefore struct {
	pstate.Fixed[cardBefore]
	Owner pstate.Value[lineBefore]
	Tags  pstate.Set[string]
}

type cardAfter struct {
	pstate.Fixed[cardAfter]
	Owner pstate.Value[lineAfter]
	Tags  pstate.Set[string]
}

// linesBefore keeps lines in every kind of structure that has values.
type linesBefore struct {
	name    string
	Numbers module.Depot[int]
	Counts  pstate.Map[string, int]
	Lines   pstate.MapOf[string, pstate.SortedMap[int, lineBefore]]
	Log     pstate.List[lineBefore]
	Cards   pstate.MapOf[string, cardBefore]
	Batched pstate.Map[string, int]
}

func (m *linesBefore) ModuleName() string { return m.name }
func (m *linesBefore) Define(b *module.Builder) {
	module.HashDepot(b, &m.Numbers, "numbers", func(n int) string { return keyOf(n) })
	s := b.Stream("lines")
	s.PState(&m.Counts, "counts")
	s.PState(&m.Lines, "lines")
	s.PState(&m.Log, "log")
	s.PState(&m.Cards, "cards")
	module.DeclareSource(s, m.Numbers, func(ev *module.Event, n int) error {
		line := lineBefore{fmt.Sprintf("first%d last%d", n, n)}
		m.Counts.Key(fmt.Sprint("c", n)).Set(ev, n)
		m.Lines.Key(keyOf(n)).Key(n).Set(ev, line)
		m.Log.Push(ev, line)
		m.Cards.Key(keyOf(n)).Owner.Set(ev, line)
		m.Cards.Key(keyOf(n)).Tags.Add(ev, "tag")
		return nil
	})
	batched := b.Microbatch("batched")
	batched.PState(&m.Batched, "batched")
	module.DeclareSource(batched, m.Numbers, func(ev *module.Event, n int) error {
		m.Batched.Key(fmt.Sprint("c", n)).Set(ev, n)
		return nil
	})
}

func keyOf(n int) string { return fmt.Sprint("k", n%5) }

// linesAfter is the next version: with migrations, or, when they are done, without.
type linesAfter struct {
	name    string
	migrate bool
	Numbers module.Depot[int]
	Counts  pstate.Map[string, string]
	Lines   pstate.MapOf[string, pstate.SortedMap[int, lineAfter]]
	Log     pstate.List[lineAfter]
	Cards   pstate.MapOf[string, cardAfter]
	Batched pstate.Map[string, string]
}

func (m *linesAfter) ModuleName() string { return m.name }
func (m *linesAfter) Define(b *module.Builder) {
	var text, split []pstate.Option
	if m.migrate {
		text = []pstate.Option{pstate.Migrate("text", func(n int) string { return strconv.Itoa(n) + "!" })}
		split = []pstate.Option{pstate.Migrate("split", lineBefore.after)}
	}
	module.HashDepot(b, &m.Numbers, "numbers", func(n int) string { return keyOf(n) })
	s := b.Stream("lines")
	s.PState(&m.Counts, "counts", text...)
	s.PState(&m.Lines, "lines", split...)
	s.PState(&m.Log, "log", split...)
	s.PState(&m.Cards, "cards", split...)
	module.DeclareSource(s, m.Numbers, func(ev *module.Event, n int) error {
		m.Counts.Key(fmt.Sprint("c", n)).Set(ev, fmt.Sprint(n, "!"))
		m.Lines.Key(keyOf(n)).Key(n).Set(ev, lineAfter{fmt.Sprint("first", n), fmt.Sprint("last", n)})
		m.Log.Push(ev, lineAfter{fmt.Sprint("first", n), fmt.Sprint("last", n)})
		return nil
	})
	batched := b.Microbatch("batched")
	batched.PState(&m.Batched, "batched", text...)
	module.DeclareSource(batched, m.Numbers, func(ev *module.Event, n int) error {
		m.Batched.Key(fmt.Sprint("c", n)).Set(ev, fmt.Sprint(n, "!"))
		return nil
	})
}

// check reads everything as the new version has it.
func (m *linesAfter) check(t *testing.T, c *localcluster.Cluster, numbers int) {
	t.Helper()
	at := c.Client().At(t.Context())
	logged := 0
	for id := range 3 {
		here := c.Client().AtTask(t.Context(), module.TaskID(id))
		for e, err := range m.Log.Range(here, pstate.All[int]()) {
			if err != nil || !strings.HasPrefix(e.Val.First, "first") || !strings.HasPrefix(e.Val.Last, "last") {
				t.Fatalf("log: %+v, %v", e, err)
			}
			logged++
		}
		for n := range numbers {
			key := fmt.Sprint("c", n)
			if got, ok, err := m.Counts.Key(key).Lookup(here); err != nil || ok && got != fmt.Sprint(n, "!") {
				t.Fatalf("counts of %d: %q, %v", n, got, err)
			}
			if got, ok, err := m.Batched.Key(key).Lookup(here); err != nil || ok && got != fmt.Sprint(n, "!") {
				t.Fatalf("batched of %d: %q, %v", n, got, err)
			}
		}
	}
	if logged != numbers {
		t.Errorf("the logs have %d lines, want %d", logged, numbers)
	}
	for n := range numbers {
		want := lineAfter{fmt.Sprint("first", n), fmt.Sprint("last", n)}
		if got, err := m.Lines.Key(keyOf(n)).Key(n).Get(at); got != want || err != nil {
			t.Fatalf("line %d: %+v, %v", n, got, err)
		}
	}
	for k := range 5 {
		if got, err := m.Cards.Key(keyOf(k)).Owner.Get(at); !strings.HasPrefix(got.Last, "last") || err != nil {
			t.Errorf("card %d: %+v, %v", k, got, err)
		}
	}
}

// A schema that changes is refused, unless a migration reads what was stored: from the start of
// the version that declares it on (promise 8.01, 8.08). The tasks rewrite what nobody reads, a
// little at a time, go on where they were when they are killed, and when they are done the
// migration may be left out, and not before (8.05); then it cannot be declared again.
func TestMigrationsOfPStates(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		name := unique("lines")
		const before, after = 200, 230
		stop := func() {
			for _, w := range c.Workers() {
				w.Abort()
			}
		}
		launch := func(m module.Module, options runtime.Options) error {
			return c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3, Options: options})
		}
		put := func(d module.Depot[int], from, to int) {
			t.Helper()
			for n := from; n < to; n++ {
				if _, err := d.Append(t.Context(), c.Client(), n); err != nil {
					t.Fatal(err)
				}
			}
		}
		v1 := &linesBefore{name: name}
		if err := launch(v1, runtime.Options{}); err != nil {
			t.Fatal(err)
		}
		put(v1.Numbers, 0, before)
		if err := c.WaitForMicrobatchProcessedCount(t.Context(), v1, "batched", before); err != nil {
			t.Fatal(err)
		}
		stop()

		var changed *module.ChangedError
		if err := launch(&linesAfter{name: name}, runtime.Options{}); !errors.As(err, &changed) || len(changed.Changes) != 5 {
			t.Fatalf("another schema without a migration: %v", err)
		}
		stop()
		slow := runtime.Options{MigrationElementsPerBatch: 3, MigrationElementsPerSecond: 1}
		v2 := &linesAfter{name: name, migrate: true}
		if err := launch(v2, slow); err != nil {
			t.Fatal(err)
		}
		v2.check(t, c, before)
		put(v2.Numbers, before, after)
		if err := c.WaitForMicrobatchProcessedCount(t.Context(), v2, "batched", after); err != nil {
			t.Fatal(err)
		}
		v2.check(t, c, after)
		var unfinished *module.UnfinishedError
		if err := launch(&linesAfter{name: name}, runtime.Options{}); !errors.As(err, &unfinished) || len(unfinished.Tasks) == 0 {
			t.Fatalf("without the migration, before it is done: %v", err)
		}
		stop()

		fast := runtime.Options{MigrationElementsPerBatch: 3, MigrationElementsPerSecond: 1_000_000}
		again := &linesAfter{name: name, migrate: true}
		if err := launch(again, fast); err != nil {
			t.Fatal(err)
		}
		if err := c.Client().WaitMigrated(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		again.check(t, c, after)
		status, err := c.Client().TaskStatus(t.Context(), name, 0)
		if err != nil || len(status.Migrations) != 5 || !status.Migrations[0].Done {
			t.Errorf("the status says %+v, %v", status.Migrations, err)
		}
		progress, err := c.Client().Migrations(t.Context(), name)
		rewritten := map[string]int64{}
		for _, p := range progress {
			rewritten[p.PState] += p.Rewritten
		}
		if err != nil || rewritten["counts"] != before || rewritten["lines"] != before || rewritten["log"] != before || rewritten["batched"] != before {
			t.Errorf("rewritten: %v, %v; want %d of each", rewritten, err, before)
		}
		noneLeft(t, c, name, "counts", "text")
		noneLeft(t, c, name, "batched", "text")
		stop()

		v3 := &linesAfter{name: name}
		if err := launch(v3, runtime.Options{}); err != nil {
			t.Fatal(err)
		}
		v3.check(t, c, after)
		stop()
		if err := launch(&linesAfter{name: name, migrate: true}, runtime.Options{}); !errors.As(err, &changed) || !strings.Contains(err.Error(), "was done and left out") {
			t.Errorf("the migration once more: %v", err)
		}
	})
}

// noneLeft looks whether the store has a value of a map that has not passed a migration.
func noneLeft(t *testing.T, c *localcluster.Cluster, name, p, id string) {
	t.Helper()
	tasks, err := c.Client().Tasks(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tasks {
		slot := wire.Slot(task.Tag(name, task.ID(i), len(tasks)))
		reads := []store.Read{{Kind: store.Range, Table: wire.PStateTable(slot.Tag, p, store.Map)}}
		if _, err := c.Store().Read(t.Context(), slot, reads); err != nil {
			t.Fatal(err)
		}
		for _, e := range reads[0].Elements {
			if !strings.HasSuffix(e.Value, pstate.MarkOf(id)) {
				t.Errorf("%s of task %d is stored as %q", e.Field, i, e.Value)
			}
		}
	}
}

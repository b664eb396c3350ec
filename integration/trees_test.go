package integration

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/internal/blocking"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// A record that sticks is found: its tree names the handler that does not return, the task
// and the worker; so do the trees behind it.
func TestAStuckRecordIsFound(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := blocking.New(unique("Stuck"))
		defer m.LetGo()
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3, Workers: 3}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Lines.Append(t.Context(), c.Client(), "one", module.Wait(module.AckAppend)); err != nil {
			t.Fatal(err)
		}
		<-m.Entered()
		at := locate(t, c, m.ModuleName(), "lines")
		trees, err := c.Client().Tree(t.Context(), m.ModuleName(), "lines", at.Partition, at.Offset)
		if err != nil {
			t.Fatal(err)
		}
		if len(trees) != 1 {
			t.Fatalf("%d trees, want one: %+v", len(trees), trees)
		}
		tree := trees[0]
		if tree.State != eventtree.Open && tree.State != eventtree.Silent || len(tree.Stuck) != 1 {
			t.Fatalf("the tree is %+v, want open and stuck", tree)
		}
		h := tree.Stuck[0]
		if h.Step != "slow" || h.Topology != "stuck" || h.Record != tree.Record || h.Worker == "" || h.Since.IsZero() {
			t.Errorf("stuck in %+v, want step slow of stuck, of record %v", h, tree.Record)
		}
		if n := slices.IndexFunc(tree.Events, func(e eventtree.Event) bool { return e.State == eventtree.Running }); n < 0 || tree.Events[n].Step != "slow" || tree.Events[n].Began.IsZero() {
			t.Errorf("its events are %+v, want the one whose handler runs among them", tree.Events)
		}
		if !strings.Contains(tree.Waits, "the handler of step slow") {
			t.Errorf("it waits for %q", tree.Waits)
		}
		if _, err := c.Client().Tree(t.Context(), m.ModuleName(), "lines", at.Partition, at.Offset+1); !errors.Is(err, client.ErrNoRecord) {
			t.Errorf("the tree of a record that nobody has appended: %v, want ErrNoRecord", err)
		}
		stuck, err := c.Client().Stuck(t.Context(), m.ModuleName(), 0)
		if err != nil || len(stuck) != 1 || stuck[0].Step != "slow" {
			t.Errorf("stuck handlers %+v (%v), want the one of step slow", stuck, err)
		}
	})
}

// locate finds the only record of a depot.
func locate(t *testing.T, c *localcluster.Cluster, name, depot string) eventtree.Record {
	t.Helper()
	for partition := range 3 {
		info, err := c.Client().PartitionInfo(t.Context(), name, depot, partition)
		if err != nil {
			t.Fatal(err)
		}
		if info.End > info.Start {
			return eventtree.Record{Module: name, Depot: depot, Partition: task.ID(partition), Offset: info.Start}
		}
	}
	t.Fatal("the record is nowhere")
	return eventtree.Record{}
}

// twice fails at its first attempts, behind a hop.
type twice struct {
	name  string
	Lines module.Depot[string]
	work  module.Step[string]
	fails int
}

func (m *twice) ModuleName() string { return m.name }

func (m *twice) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Lines, "lines", module.Text())
	s := b.Stream("twice")
	module.DeclareStep(s, &m.work, "work", module.ByHash(func(s string) string { return s }), func(ev *module.Event, _ string) error {
		if ev.Attempt() <= m.fails {
			return fmt.Errorf("no luck at attempt %d", ev.Attempt())
		}
		return nil
	})
	module.DeclareSource(s, m.Lines, func(ev *module.Event, line string) error {
		m.work.Send(ev, line)
		return nil
	})
}

// What is over of a record that was tried again is there: each attempt with its error, and
// the events of the later ones, parents before children, with their commits.
func TestAttemptsOfARecordAreKept(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &twice{name: unique("Twice"), fails: 2}
		done := make(chan struct{}, 1)
		listener := &runtime.Listener{RecordDone: func(runtime.RecordInfo) { done <- struct{}{} }}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3, Workers: 3, Listener: listener}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Lines.Append(t.Context(), c.Client(), "one", module.Wait(module.AckAppend)); err != nil {
			t.Fatal(err)
		}
		<-done
		at := locate(t, c, m.name, "lines")
		trees, err := c.Client().Tree(t.Context(), m.name, "lines", at.Partition, at.Offset)
		if err != nil || len(trees) != 1 {
			t.Fatalf("trees %+v (%v), want one", trees, err)
		}
		tree := trees[0]
		if tree.State != eventtree.Done || tree.Attempt != 3 || tree.Complete {
			t.Errorf("the tree is %v at attempt %d, complete %t; want done at attempt 3, without the root of the first", tree.State, tree.Attempt, tree.Complete)
		}
		if n := len(tree.Attempts); n != 3 || !strings.Contains(tree.Attempts[0].Error, "no luck at attempt 1") || !strings.Contains(tree.Attempts[1].Error, "no luck at attempt 2") || tree.Attempts[2].State != eventtree.Done {
			t.Errorf("attempts %+v", tree.Attempts)
		}
		var told []string
		for _, e := range tree.Events {
			told = append(told, fmt.Sprintf("%d %s %s %t", e.Attempt, e.Step, e.State, e.Parent != 0))
			// The first attempt was not followed: its event is kept since it failed.
			if e.Attempt > 1 && (e.Began.IsZero() || e.Ran.Before(e.Began) || !e.Committed.IsZero() && e.Committed.Before(e.Ran)) {
				t.Errorf("%s of attempt %d began %v, ran until %v, and was committed %v", e.Step, e.Attempt, e.Began, e.Ran, e.Committed)
			}
		}
		// The event of attempt 1 has its parent by name: it has the same at each attempt.
		want := []string{"1 work failed true", "2 lines ended false", "2 work failed true", "3 lines ended false", "3 work ended true"}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		recent, err := c.Client().Trees(t.Context(), m.name, client.TreeFilter{Recent: true})
		if err != nil || len(recent) != 1 || recent[0].State != eventtree.Done || len(recent[0].Attempts) != 3 {
			t.Errorf("recent trees %+v (%v), want the one", recent, err)
		}
	})
}

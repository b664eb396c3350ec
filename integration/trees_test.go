package integration

import (
	"strings"
	"testing"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// blocking blocks in its step until it is let go.
type blocking struct {
	name    string
	Lines   module.Depot[string]
	slow    module.Step[string]
	entered chan struct{} // the handler runs
	leave   chan struct{} // closed: it may return
}

func (m *blocking) ModuleName() string { return m.name }

func (m *blocking) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Lines, "lines", module.Text())
	s := b.Stream("stuck")
	module.DeclareStep(s, &m.slow, "slow", module.ByHash(func(string) string { return "a" }), func(*module.Event, string) error {
		select {
		case m.entered <- struct{}{}:
		default:
		}
		<-m.leave
		return nil
	})
	module.DeclareSource(s, m.Lines, func(ev *module.Event, line string) error {
		m.slow.Send(ev, line)
		return nil
	})
}

// A record that sticks is found: its tree names the handler that does not return, the task
// and the worker; so do the trees behind it.
func TestAStuckRecordIsFound(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &blocking{name: unique("Stuck"), entered: make(chan struct{}, 1), leave: make(chan struct{})}
		defer close(m.leave)
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3, Workers: 3}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Lines.Append(t.Context(), c.Client(), "one", module.Wait(module.AckAppend)); err != nil {
			t.Fatal(err)
		}
		<-m.entered
		at := locate(t, c, m.name, "lines")
		trees, err := c.Client().Tree(t.Context(), m.name, "lines", at.Partition, at.Offset)
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
		if !strings.Contains(tree.Waits, "the handler of step slow") {
			t.Errorf("it waits for %q", tree.Waits)
		}
		stuck, err := c.Client().Stuck(t.Context(), m.name, 0)
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

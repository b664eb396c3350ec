package examples_test

import (
	"testing"

	"github.com/coppice-run/coppice/examples/eventtree"
	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
)

// promise 3.35, promise 3.33, promise 3.36, promise 3.32, promise 3.37: the root has two children, the one on a
// random task has two of its own; the append returned when all five had ended.
func TestEventTree(t *testing.T) {
	t.Parallel()
	const want = "keys\n  mark\n  scatter\n    leaf\n    leaf\n5 events\n"
	for _, launch := range []localcluster.LaunchConfig{{}, {Tasks: 5, Workers: 3}} {
		if got := exampletest.Output(t, eventtree.Demo, launch); got != want {
			t.Errorf("the demo printed\n%swant\n%s", got, want)
		}
	}
}

// promise 3.35: as dataflow, in the words of the page, it does the same, event for event.
func TestEventtreeAsDataflow(t *testing.T) {
	t.Parallel()
	flow := &eventtree.Flow{}
	exampletest.SameEvents(t, &eventtree.Module{}, flow, &flow.Module, func(m *eventtree.Module, kit *clustertest.Kit) error {
		for _, key := range []string{"A", "B"} {
			if _, err := m.Keys.Append(t.Context(), kit, key); err != nil {
				return err
			}
		}
		for i := range 2 {
			if key, err := m.Leaves.Key(i).Get(kit); key != "A" || err != nil {
				t.Errorf("leaf %d has %q, error %v", i, key, err)
			}
		}
		return nil
	}, "keys", "scatter")
}

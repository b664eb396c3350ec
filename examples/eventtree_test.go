package examples_test

import (
	"testing"

	"github.com/coppice-run/coppice/examples/eventtree"
	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/localcluster"
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

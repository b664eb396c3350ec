package examples_test

import (
	"testing"

	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/examples/sum"
	"github.com/coppice-run/coppice/localcluster"
)

// promise 3.75, promise 3.76, promise 3.81 promise 3.82 promise 3.83: values from random tasks
// are summed at the root, all of them and once.
func TestSum(t *testing.T) {
	t.Parallel()
	const want = "9\n25\n100\n"
	if got := exampletest.Output(t, sum.Demo, localcluster.LaunchConfig{Tasks: 8, Workers: 3}); got != want {
		t.Errorf("the demo printed\n%swant\n%s", got, want)
	}
}

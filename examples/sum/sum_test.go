package sum_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/examples/sum"
	"github.com/coppice-run/coppice/localcluster"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// promise 3.75, promise 3.76, promise 3.81 promise 3.82 promise 3.83: values from random tasks
// are summed at the root, all of them and once.
func TestDemo(t *testing.T) {
	t.Parallel()
	const want = "9\n25\n100\n"
	if got := exampletest.Output(t, sum.Demo, localcluster.LaunchConfig{Tasks: 8, Workers: 3}); got != want {
		t.Errorf("the demo printed\n%swant\n%s", got, want)
	}
}

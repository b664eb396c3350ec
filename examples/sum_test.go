package examples_test

import (
	"testing"

	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/examples/sum"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
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

// promise 3.82: as dataflow it does the same, event for event.
func TestSumAsDataflow(t *testing.T) {
	t.Parallel()
	flow := &sum.Flow{}
	exampletest.SameEvents(t, &sum.Module{}, flow, &flow.Module, func(m *sum.Module, kit *clustertest.Kit) error {
		for _, v := range []int{3, 5, 10} {
			acks, err := m.Numbers.Append(t.Context(), kit, v)
			if total, _ := m.Total.From(acks); total != v*v || err != nil {
				t.Errorf("%d returned %d, error %v", v, total, err)
			}
		}
		return nil
	}, "numbers", "give")
}

package examples_test

import (
	"testing"

	"github.com/coppice-run/coppice/examples/ackreturn"
	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
)

// promise 3.78 promise 3.79: each append returns the count, as a map from the
// topology's name.
func TestAckReturn(t *testing.T) {
	t.Parallel()
	const want = "{\"s\" 1}\n{\"s\" 2}\n{\"s\" 3}\n"
	if got := exampletest.Output(t, ackreturn.Demo, localcluster.LaunchConfig{Tasks: 4, Workers: 2}); got != want {
		t.Errorf("the demo printed\n%swant\n%s", got, want)
	}
}

// promise 3.78: as dataflow it does the same, event for event.
func TestAckreturnAsDataflow(t *testing.T) {
	t.Parallel()
	flow := &ackreturn.Flow{}
	exampletest.SameEvents(t, &ackreturn.Module{}, flow, &flow.Module, func(m *ackreturn.Module, kit *clustertest.Kit) error {
		for i := range int64(3) {
			acks, err := m.Keys.Append(t.Context(), kit, "a")
			if n, _ := m.Count.From(acks); n != i+1 || err != nil {
				t.Errorf("append %d returned %d, error %v", i, n, err)
			}
		}
		return nil
	})
}

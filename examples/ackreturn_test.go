package examples_test

import (
	"testing"

	"github.com/coppice-run/coppice/examples/ackreturn"
	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/localcluster"
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

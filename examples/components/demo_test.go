package components_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/examples/components"
	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/localcluster"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDemo(t *testing.T) {
	t.Parallel()
	const want = "components.Create house: done\ncomponents.Create kitchen: done\ncomponents.Create stove: done\ncomponents.Delete kitchen: done\ncomponents.Create table: rejected\n"
	if got := exampletest.Output(t, components.Demo, localcluster.LaunchConfig{Tasks: 5, Workers: 2}); got != want {
		t.Errorf("the demo printed\n%swant\n%s", got, want)
	}
}

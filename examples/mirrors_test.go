package examples_test

import (
	"testing"

	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/examples/mirrors"
	"github.com/coppice-run/coppice/localcluster"
)

func TestMirrors(t *testing.T) {
	t.Parallel()
	const want = "the orders need 3 things of the shop\ntea ordered: 17, then there are 10\nmilk ordered: 6, then there are 5\ntea left: 10\nmilk left: 5\n"
	if got := exampletest.Output(t, mirrors.Demo, localcluster.LaunchConfig{Tasks: 3}); got != want {
		t.Errorf("the demo printed\n%swant\n%s", got, want)
	}
}

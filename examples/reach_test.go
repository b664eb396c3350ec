package main

import (
	"testing"

	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/examples/reach"
	"github.com/coppice-run/coppice/localcluster"
)

func TestReach(t *testing.T) {
	t.Parallel()
	const want = "grapefruit.example reach: 6\nplum.example reach: 1\nnowhere.example reach: 0\npages: 2\n"
	if got := exampletest.Output(t, reach.Demo, localcluster.LaunchConfig{Tasks: 4, Workers: 2}); got != want {
		t.Errorf("the demo printed\n%swant\n%s", got, want)
	}
}

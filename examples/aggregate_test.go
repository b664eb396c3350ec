package main

import (
	"testing"

	"github.com/coppice-run/coppice/examples/aggregate"
	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/localcluster"
)

// promise 13.01 promise 13.15: the stated counts, in a value, a map and a nested one.
func TestAggregate(t *testing.T) {
	t.Parallel()
	const want = `james cagney: 12 letters
spencer tracy: 13 letters
james cagney: 12 letters
bette davis: 11 letters
Count: 4
Each: [["bette davis" 1] ["james cagney" 2] ["spencer tracy" 1]]
With j, of 12 letters: [["james cagney" 2]]
First: james cagney, 2
`
	if got := exampletest.Output(t, aggregate.Demo, localcluster.LaunchConfig{}); got != want {
		t.Errorf("the demo printed\n%swant\n%s", got, want)
	}
}

package main

import (
	"testing"

	"github.com/coppice-run/coppice/examples/batch"
	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/localcluster"
)

// promise 13.08 promise 13.10 promise 13.13 promise 13.14 promise 13.15 promise 11.20
// promise 11.21 promise 14.28: what batch blocks make of a microbatch, on one task and on
// several workers.
func TestBatch(t *testing.T) {
	t.Parallel()
	const want = `Global sum: 11
a: [["b" 2] ["c" 1]]
x: [["y" 3] ["z" 1]]
Groups: [["apple" 2 7] ["banana" 1 9]]
Joined: [["inner apple" 14] ["outer apple" 7 at 2] ["outer banana" 9 at none] ["outer cherry" none at 5]]
Sum: 16
Limit: 2
Most: [9 4]
Totals: [7 9]
Sales: [2 1]
Limit: [17 20]
LimitWithOptions: [1016 1017]
Vals: [6 9]
Temporary: [["a" 2] ["b" 2] ["c" 2] ["d" 1]]
Top: [{a 3} {b 2} {c 1}] of now: [{a 3} {b 2} {c 1}]
Top: [{d 5} {a 3} {b 3}] of now: [{d 4} {b 1} {e 1}]
`
	for name, launch := range map[string]localcluster.LaunchConfig{"one task": {Tasks: 1}, "seven tasks, three workers": {Tasks: 7, Workers: 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := exampletest.Output(t, batch.Demo, launch); got != want {
				t.Errorf("the demo printed\n%swant\n%s", got, want)
			}
		})
	}
}

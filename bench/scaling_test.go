package main

import (
	"math"
	"testing"
)

// What words need of cores counts the hops that leave a worker, of which there are more with
// more workers.
func TestCoresForWordsCountHopsBetweenWorkers(t *testing.T) {
	t.Parallel()
	workers := &curve{Name: "workers"}
	workers.put("over gRPC", point{X: 1, Worker: 600})
	workers.put("over gRPC", point{X: 4, Worker: 900})
	c := costs{profile: &report{Budgets: []*budget{{Workload: "words", Nanos: 500}}}, growth: &report{Curves: []*curve{workers}}}
	if c.hop() != 400 || c.word(1) != 500 || c.word(2) != 700 {
		t.Errorf("a hop costs %v, a word %v on one worker and %v on two", c.hop(), c.word(1), c.word(2))
	}
	if got := c.wordCores(1e6); math.Abs(got-500*1e6/1e9/busy) > 1e-6 {
		t.Errorf("1 M words need %v cores, which one worker has", got)
	}
	cores := c.wordCores(1e8)
	n := math.Ceil(cores / workerCores)
	if want := 1e8 * (500 + 400*(1-1/n)) / 1e9 / busy; math.Abs(cores-want) > 1e-6 {
		t.Errorf("100 M words need %v cores, want %v, in %v workers", cores, want, n)
	}
	if none := (costs{profile: &report{}}).wordCores(1e6); !math.IsNaN(none) {
		t.Errorf("%v cores without figures", none)
	}
}

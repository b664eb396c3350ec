package main

import (
	"testing"

	"github.com/coppice-run/coppice/examples/batch"
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/examples/reach"
	"github.com/coppice-run/coppice/localcluster"
)

// promise 11.20 promise 11.21 promise 13.08 promise 13.10 promise 13.13 promise 13.14
// promise 13.15 promise 14.28: as dataflow, batch blocks and queries print the same, on one task and on
// several workers.
func TestProgramsAsDataflow(t *testing.T) {
	t.Parallel()
	flows := map[string]program.Demo{
		"aggregators/pairs": batch.PairsFlowDemo, "aggregators/shop": batch.ShopFlowDemo,
		"aggregators/numbers": batch.NumbersFlowDemo, "aggregators/topwords": batch.WordsFlowDemo,
		"queries/reach": reach.FlowDemo,
	}
	found := 0
	for _, p := range programs() {
		demo, ok := flows[p.name]
		if !ok {
			continue
		}
		found++
		p.Run = program.Of(demo)
		for where, launch := range map[string]localcluster.LaunchConfig{"": {}, ",3workers": {Tasks: 7, Workers: 3}} {
			t.Run(p.name+where, func(t *testing.T) {
				t.Parallel()
				if _, err := p.Do(t.Context(), launch); err != nil {
					t.Error(err)
				}
			})
		}
	}
	if found != len(flows) {
		t.Errorf("%d of %d programs are there", found, len(flows))
	}
}

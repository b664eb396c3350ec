package simulation

import (
	"fmt"
	"testing"
)

func TestSeeds(t *testing.T) {
	t.Parallel()
	for _, w := range Workloads() {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(20) {
				r := Run(Config{Seed: seed, Workload: w})
				for _, v := range r.Violations {
					t.Errorf("seed %d: %s", seed, v)
				}
				if testing.Verbose() {
					fmt.Println(w.Name, seed, r.Steps, r.Events, r.FaultTotal(), r.Records, r.Acked, r.Took)
				}
			}
		})
	}
}

package main

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/coppice-run/coppice/simulation"
)

// untilFound runs each seed of all workloads until one finds something.
func untilFound(o options, out io.Writer) {
	type trial struct {
		seed     uint64
		workload simulation.Workload
	}
	trials := make(chan trial)
	var over atomic.Bool
	var mu sync.Mutex
	first, how := uint64(1<<63), ""
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for t := range trials {
				r := simulation.Run(simulation.Config{Seed: t.seed, Workload: t.workload})
				if len(r.Violations) == 0 {
					continue
				}
				over.Store(true)
				mu.Lock()
				if t.seed < first {
					first, how = t.seed, fmt.Sprintf("%s: %.120s", t.workload.Name, r.Violations[0])
				}
				mu.Unlock()
			}
		})
	}
	for seed := o.first; seed < o.first+o.seeds && !over.Load(); seed++ {
		for _, w := range o.workloads {
			trials <- trial{seed, w}
		}
	}
	close(trials)
	group.Wait()
	if over.Load() {
		fmt.Fprintf(out, "found after %d seeds: %s\n", first-o.first+1, how)
	} else {
		fmt.Fprintf(out, "%d seeds found nothing\n", o.seeds)
	}
}

package console

import (
	"slices"
	"time"

	"github.com/coppice-run/coppice/eventtree"
)

// latency is how long records took from the beginning of their last attempt to the end of
// their trees.
type latency struct {
	Of            int // records
	P50, P95, P99 time.Duration
	Most          time.Duration
}

// latencyOf is that of the records that are done among these trees: those that workers have
// kept, which are a sample and all that took long.
func latencyOf(all []eventtree.Tree) (l latency) {
	var took []time.Duration
	for i := range all {
		t := &all[i]
		if t.State == eventtree.Done && !t.Since.IsZero() && t.Over.After(t.Since) {
			took = append(took, t.Over.Sub(t.Since))
		}
	}
	if len(took) == 0 {
		return l
	}
	slices.Sort(took)
	at := func(percent int) time.Duration { return took[min(len(took)*percent/100, len(took)-1)] }
	return latency{len(took), at(50), at(95), at(99), took[len(took)-1]}
}

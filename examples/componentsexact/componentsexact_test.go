package componentsexact

import (
	"testing"

	"github.com/coppice-run/coppice/examples/internal/forest"
	"github.com/coppice-run/coppice/simulation"
)

// promise 0.08, promise 0.09, promise 0.10, promise 0.30, promise 0.38, promise 0.39 (what is
// left of the solution where events are exactly once): no schedule and no fault breaks the
// integrity, at any moment.
func TestIntegrityHoldsAtEveryMoment(t *testing.T) {
	t.Parallel()
	simulation.CheckWorkload(t, Workload(), 40) // make simulate runs 500
}

// promise 0.09, promise 0.40: a module that does not tell the parent of a child that was
// refused is found out, with the interleaving that shows it.
func TestThePlantedBugIsFound(t *testing.T) {
	t.Parallel()
	forest.FindsBug(t, Workload(), func() simulation.Case { return &trial{m: Module{forgetful: true}} },
		"which does not exist, or has the parent", "ran forest/persist")
}

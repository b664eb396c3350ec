package componentsmicrobatch

import (
	"testing"

	"github.com/coppice-run/coppice/examples/internal/forest"
	"github.com/coppice-run/coppice/simulation"
)

// promise 0.20, promise 0.03, promise 0.04, promise 0.05, promise 0.06, promise 0.08, promise 0.09:
// in a microbatch the plain solution is right: whatever fails, in no snapshot does a parent or a
// child point to something that does not exist (promise 0.10).
func TestIntegrityHoldsInEverySnapshot(t *testing.T) {
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

// promise 0.03: what was created and never deleted is there in the end; where creations are lost
// it is noticed.
func TestLostCreationsAreFound(t *testing.T) {
	t.Parallel()
	forest.FindsBug(t, Workload(), func() simulation.Case { return &trial{lost: "c3"} }, "c3 was created", "and not deleted since: it exists false")
}

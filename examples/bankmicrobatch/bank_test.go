package bankmicrobatch

import (
	"testing"

	"github.com/coppice-run/coppice/simulation"
)

// promise 0.18: whatever fails, the total is what was paid in, at every snapshot.
func TestMoneyIsNeverUnderWay(t *testing.T) {
	t.Parallel()
	simulation.CheckWorkload(t, Workload(), 40)
}

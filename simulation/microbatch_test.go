package simulation

import (
	"strings"
	"testing"
)

// promise 0.18, promise 0.24: whatever fails, and wherever an owner ends, the tasks together hold
// whole microbatches at every moment; and the runs do end owners everywhere.
func TestOwnersEndInEveryPhaseOfAMicrobatch(t *testing.T) {
	t.Parallel()
	phases := map[string]int{}
	for seed := range uint64(2 * seedsPerTest) {
		r := Run(Config{Seed: seed, Workload: Microbatch()})
		for where, n := range r.PhaseCrashes {
			phases[where] += n
		}
		for _, v := range r.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
	for _, where := range []string{
		"coordinator idle", "coordinator resting", "coordinator joining", "coordinator running", "coordinator staging",
		"coordinator verifying", "coordinator deciding", "coordinator applying", "coordinator confirming",
		"task out", "task looking", "task in", "task sealing", "task sealed", "task stamping",
	} {
		if phases[where] == 0 {
			t.Errorf("no owner ended at: %s", where)
		}
	}
	t.Logf("owners ended at: %v", phases)
}

// promise 14.13: wherever an owner ends between the rounds of batch blocks, they have made
// the fold of the records; and the runs do end the coordinator there.
func TestCoordinatorsEndBetweenRounds(t *testing.T) {
	t.Parallel()
	rounds := map[string]int{}
	for seed := range uint64(seedsPerTest) {
		r := Run(Config{Seed: seed, Workload: Batch()})
		for where, n := range r.PhaseCrashes {
			if strings.Contains(where, "round") {
				rounds[where] += n
			}
		}
		for _, v := range r.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
	if len(rounds) < 3 {
		t.Errorf("owners ended at %v, want three different rounds", rounds)
	}
	t.Logf("owners ended at: %v", rounds)
}

// promise 0.25: what a microbatch appends is in its depots and topics once, and in order.
func TestMicrobatchesAppendOnce(t *testing.T) {
	t.Parallel()
	emitted := 0
	for seed := range uint64(seedsPerTest) {
		r := Run(Config{Seed: seed, Workload: MicroEmit()})
		emitted += r.Emitted
		for _, v := range r.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
	if emitted == 0 {
		t.Error("nothing was appended")
	}
}

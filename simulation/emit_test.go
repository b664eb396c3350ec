package simulation

import (
	"testing"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// R31: where commits are only applied, the store may lose what the log already has
// the output of. Then something is processed twice, and that is always told.
func TestLostTailsAreTold(t *testing.T) {
	t.Parallel()
	w := EmitOnce()
	level := store.Applied
	w.Durability, w.LostTail = &level, runtime.LostTailGoesOn
	told := 0
	for seed := range uint64(60) {
		r := Run(Config{Seed: seed, Workload: w})
		for _, v := range r.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
		told += r.LostTails
	}
	if told == 0 {
		t.Error("no tail was lost that mattered: the world is too kind to show anything")
	}
}

// R31: by default an exactly-once topology halts rather than process twice.
func TestALostTailHalts(t *testing.T) {
	t.Parallel()
	w := EmitOnce()
	level := store.Applied
	w.Durability = &level
	halted := 0
	for seed := range uint64(60) {
		r := Run(Config{Seed: seed, Workload: w})
		if (r.LostTails > 0) != (r.Alarms > 0) {
			t.Errorf("seed %d: found output of lost commits %d times, and %d tasks halted", seed, r.LostTails, r.Alarms)
		}
		for _, v := range r.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
		halted += r.Alarms
	}
	if halted == 0 {
		t.Error("nothing halted: the world is too kind to show anything")
	}
}

package simulation

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"testing"
)

// seedsPerTest keeps the package's tests short; cmd/simulate runs thousands.
const seedsPerTest = 40

// promise 3.62, promise 3x.07: whatever fails, every record is done in the end, nothing that was acknowledged
// is lost, and the PStates are the fold of the log.
func TestEverySeedComesToRest(t *testing.T) {
	t.Parallel()
	for _, w := range Workloads() {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			faults := 0
			for seed := range uint64(seedsOfEach) {
				r := Run(Config{Seed: seed, Workload: w})
				faults += r.FaultTotal()
				for _, v := range r.Violations {
					t.Errorf("seed %d: %s", seed, v)
				}
			}
			if faults < seedsOfEach {
				t.Errorf("only %d faults in %d runs: the world is too kind to show anything", faults, seedsOfEach)
			}
		})
	}
}

// Without faults everything is done at the first attempt.
func TestCalmRunsTryOnce(t *testing.T) {
	t.Parallel()
	for _, w := range Workloads() {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(seedsOfEach) {
				r := Run(Config{Seed: seed, Workload: w, Calm: true, Records: min(100, 3*cmp.Or(w.RecordsMax, recordsMax))})
				if r.FaultTotal() != 0 || len(r.Violations) != 0 || r.Records == 0 {
					t.Errorf("seed %d: faults %d, records %d, violations %v", seed, r.FaultTotal(), r.Records, r.Violations)
				}
				if r.Failures != 0 && !w.Fails {
					t.Errorf("seed %d: %d attempts failed in a calm world", seed, r.Failures)
				}
			}
		})
	}
}

// A seed replays: the same run, step by step.
func TestASeedReplays(t *testing.T) {
	t.Parallel()
	for _, w := range Workloads() {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			var first, second bytes.Buffer
			Run(Config{Seed: 3, Workload: w, Trace: &first})
			Run(Config{Seed: 3, Workload: w, Trace: &second})
			if first.Len() == 0 || !bytes.Equal(first.Bytes(), second.Bytes()) {
				t.Errorf("two runs of one seed differ: %s", firstDifference(first.String(), second.String()))
			}
		})
	}
}

// firstDifference names the first line in which two traces part.
func firstDifference(first, second string) string {
	other := strings.Split(second, "\n")
	for i, line := range strings.Split(first, "\n") {
		if i >= len(other) || other[i] != line {
			return fmt.Sprintf("line %d of the trace\n\t%s\n\t%s", i+1, line, strings.Join(other[min(i, len(other)):min(i+1, len(other))], ""))
		}
	}
	return fmt.Sprintf("%d and %d bytes", len(first), len(second))
}

// What a run does follows from its seed alone.
func TestTwoRunsAreOne(t *testing.T) {
	t.Parallel()
	for _, w := range Workloads() {
		for seed := range uint64(3) {
			if r := Twice(Config{Seed: seed, Workload: w}); len(r.Violations) > 0 {
				t.Errorf("%s, seed %d: %v", w.Name, seed, r.Violations)
			}
		}
	}
}

// The checks can fail: a protocol with a rule taken out is caught.
func TestPlantedBugsAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		plant    Plant
		workload Workload
	}{
		{NoGuard, Count()},
		{SameLineage, Tree()},
		{LostIsDone, Count()},
		{SplitCommit, Count()},
		{DoubleFrames, Tree()},
		{StaleMaster, Tree()},
	} {
		t.Run(fmt.Sprint(c.plant), func(t *testing.T) {
			t.Parallel()
			const most = 400
			for seed := range uint64(most) {
				if r := Run(Config{Seed: seed, Workload: c.workload, Plant: c.plant}); len(r.Violations) > 0 {
					t.Logf("found by seed %d: %s", seed, r.Violations[0])
					return
				}
			}
			t.Errorf("%d seeds did not find %v", most, c.plant)
		})
	}
}

// promise 3.63: batches that fail as one are part of these runs.
func TestBatchesFailAsOne(t *testing.T) {
	t.Parallel()
	wholes := 0
	for seed := range uint64(seedsPerTest) {
		r := Run(Config{Seed: seed, Workload: Retry()})
		wholes += r.Wholes
		for _, v := range r.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
	if wholes == 0 {
		t.Error("no batch failed as one")
	} else {
		t.Logf("%d batches failed as one", wholes)
	}
}

// R43: a record that fans out to hundreds of events, among small ones, is done with
// little memory; in a calm world at once, and in the order of sending, which every run
// checks.
func TestBurstsTakeLittleMemory(t *testing.T) {
	t.Parallel()
	const bound = 4000
	spilled, most := 0, int64(0)
	for seed := range uint64(seedsPerTest) {
		r := Run(Config{Seed: seed, Workload: Burst(), Calm: true, QueueBytesMax: bound})
		spilled, most = spilled+r.Spilled, max(most, r.QueuedMax)
		for _, v := range r.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
		if r.Failures > 0 {
			t.Errorf("seed %d: %d attempts failed in a calm world", seed, r.Failures)
		}
	}
	// A frame for each lane and each way out may be in memory beside the bound.
	if spilled == 0 || most > 8*bound {
		t.Errorf("spilled %d times; a process had %d bytes of events in memory, the bound is %d", spilled, most, bound)
	}
	t.Logf("spilled %d times, at most %d bytes in memory", spilled, most)
}

// Disks that are full, or give nothing back, are part of these runs.
func TestDisksFail(t *testing.T) {
	t.Parallel()
	full, bad := 0, 0
	for seed := range uint64(2 * seedsPerTest) {
		r := Run(Config{Seed: seed, Workload: Tree()})
		full, bad = full+r.Faults[FullDisk], bad+r.Faults[BadDisk]
		for _, v := range r.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
	if full == 0 || bad == 0 {
		t.Errorf("%d writes and %d reads of disks failed", full, bad)
	}
}

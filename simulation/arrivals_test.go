package simulation

import "testing"

// promise 0.12: whatever fails, records of one partition of one depot are begun in the
// order in which they were appended, and what their events send from one task to another
// arrives in the order in which it was sent. promise 0.13: records of other partitions,
// and of other depots on the same partition, may come before those that were appended
// before them.
func TestOrderIsKeptWithinAPartition(t *testing.T) {
	t.Parallel()
	acrossDepots, acrossKeys := 0, 0
	for seed := range uint64(seedsPerTest) {
		c, w := &arrivalsCase{}, Arrivals()
		w.New = func() Case { return c }
		for _, v := range Run(Config{Seed: seed, Workload: w}).Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
		if c.acrossDepots {
			acrossDepots++
		}
		if c.acrossKeys {
			acrossKeys++
		}
	}
	if acrossDepots == 0 || acrossKeys == 0 {
		t.Errorf("in %d runs of %d records of two depots changed places, and in %d those of two keys: there is more order than is promised, or too little happens", acrossDepots, seedsPerTest, acrossKeys)
	}
}

package fleet

import (
	"context"
	"time"
)

// Percentile of sorted times: the least that is no less than so many percent of them; 100 is
// the longest. Of none it is 0.
func Percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max((len(sorted)*percent+99)/100-1, 0)]
}

// Round leaves out what nobody reads.
func Round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// Pause waits for a while, or until ctx ends.
func Pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

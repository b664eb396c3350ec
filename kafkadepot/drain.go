package kafkadepot

import (
	"context"
	"time"
)

// brimPause is how long a reader asks the client for nothing when it holds more than its share
// of a partition, before it has the client fetch the others alone. A task that is only busy has taken it by
// then. Once the client has left the partition out of a fetch it cannot ask for it again before the
// broker has answered, which takes up to fetchWait where the others have nothing.
const brimPause = 10 * time.Millisecond

// drain waits until ctx ends, or some partition has had more than its share held for long
// enough, and has the client leave out those that have.
func (r *reader) drain(ctx context.Context) {
	timer := time.NewTimer(time.Until(r.brimsUntil()))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for at, a := range r.assigned {
		if h := &a.held; a.paused && !h.since.IsZero() && now.Sub(h.since) >= brimPause {
			h.since, h.full = time.Time{}, true
			r.client.PauseFetchPartitions(at.partitions())
		}
	}
}

// brimsUntil is when drain has waited long enough for one partition.
func (r *reader) brimsUntil() (first time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.assigned {
		if until := a.held.since.Add(brimPause); !a.held.since.IsZero() && (first.IsZero() || until.Before(first)) {
			first = until
		}
	}
	return first
}

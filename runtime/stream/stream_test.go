package stream_test

import (
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime/stream"
)

// promise 3.58: of those that are ready the lowest offset comes first.
func TestRetryQueue(t *testing.T) {
	t.Parallel()
	var q stream.RetryQueue
	for _, r := range []struct{ offset, at int64 }{{7, 10}, {3, 30}, {5, 20}, {9, 5}} {
		q.Add(stream.Retry{Record: &depot.Record{Offset: r.offset}, Attempt: 2, ReadyAt: r.at})
	}
	if at, ok := q.NextAt(); !ok || at != 5 {
		t.Errorf("the next is ready at %d, %v", at, ok)
	}
	if r, ok := q.Find(5); !ok || r.ReadyAt != 20 {
		t.Errorf("found %+v, %v", r, ok)
	}
	for _, want := range []struct{ now, offset int64 }{{4, -1}, {20, 5}, {20, 7}, {20, 9}, {20, -1}, {30, 3}, {99, -1}} {
		r, ok := q.Take(want.now)
		if ok != (want.offset >= 0) || ok && r.Record.Offset != want.offset {
			t.Errorf("at %d came %+v, %v; want offset %d", want.now, r, ok, want.offset)
		}
	}
	if _, ok := q.NextAt(); ok || q.Len() != 0 {
		t.Error("an empty queue has a next")
	}
}

// The pause doubles, stays within its bounds, and is scattered over its last half.
func TestBackoff(t *testing.T) {
	t.Parallel()
	const base, most = 10, 1000
	for attempt := uint16(2); attempt < 200; attempt++ {
		full := int64(base)
		for range min(attempt-2, 30) {
			full = min(2*full, most)
		}
		low, high := stream.Backoff(attempt, base, most, 0), stream.Backoff(attempt, base, most, 0.999999)
		if low != full/2 || high < full-2 || high > full {
			t.Errorf("attempt %d: from %d to %d, want from %d to %d", attempt, low, high, full/2, full)
		}
	}
}

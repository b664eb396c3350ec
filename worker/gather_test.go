package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-run/coppice/runtime"
)

// Feeds that begin wait for one another, to be assigned together; orders to go on and to pause
// are carried out at once, since a task that is fast gives many.
func TestOnlyFeedsThatBeginAreGathered(t *testing.T) {
	t.Parallel()
	d := &driver{}
	for _, c := range []struct {
		name   string
		orders []feedOrder
		waits  time.Duration
	}{
		{"none", nil, 0},
		{"begin", []feedOrder{{d: d, feed: runtime.Feed{Order: runtime.FeedFrom}}}, gatherPause},
		{"go on and begin", []feedOrder{{d: d, feed: runtime.Feed{Order: runtime.FeedResume}}, {d: d, feed: runtime.Feed{Order: runtime.FeedFrom}}}, gatherPause},
		{"go on", []feedOrder{{d: d, feed: runtime.Feed{Order: runtime.FeedResume}}}, 0},
		{"pause", []feedOrder{{d: d, feed: runtime.Feed{Order: runtime.FeedPause}}}, 0},
		{"stop", []feedOrder{{d: d, feed: runtime.Feed{Order: runtime.FeedStop}}}, 0},
		{"room", []feedOrder{{d: d, room: true}}, 0},
		{"gone", []feedOrder{{d: d, gone: true}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &feeds{}
				for _, o := range c.orders {
					f.put(o)
				}
				begun := time.Now()
				got := f.next(t.Context(), context.CancelFunc(func() {}))
				if len(got) != len(c.orders) {
					t.Errorf("%d orders came, want %d", len(got), len(c.orders))
				}
				if waited := time.Since(begun); waited != c.waits {
					t.Errorf("waited %v, want %v", waited, c.waits)
				}
			})
		})
	}
}

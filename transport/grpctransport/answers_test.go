package grpctransport

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Who has given up is forgotten, though it has not said so; those who wait as long as it takes, and
// calls that a goroutine answers, are not.
func TestCallersThatGaveUpAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var mu sync.Mutex
		var gone []uint64
		over := func() []uint64 {
			mu.Lock()
			defer mu.Unlock()
			return slices.Sorted(slices.Values(gone))
		}
		a := &answers{queue: newCallQueue(), callers: map[uint64]caller{}}
		add := func(id, left uint64, later bool) {
			a.callers[id] = caller{over: func() {
				mu.Lock()
				gone = append(gone, id)
				mu.Unlock()
			}, later: later, until: untilOf(left, time.Now())}
		}
		add(1, 3_000, true)
		add(2, 12_000, true)
		add(3, 0, true)
		add(4, 3_000, false)
		ctx, cancel := context.WithCancel(t.Context())
		go a.giveUpLate(ctx)
		for _, c := range []struct {
			at   time.Duration
			want []uint64
		}{{4 * time.Second, nil}, {6 * time.Second, []uint64{1}}, {14 * time.Second, []uint64{1}}, {16 * time.Second, []uint64{1, 2}}} {
			time.Sleep(c.at - time.Since(begun))
			synctest.Wait()
			if got := over(); !slices.Equal(got, c.want) {
				t.Errorf("after %v %v are given up, want %v", c.at, got, c.want)
			}
		}
		cancel()
		synctest.Wait()
		a.allOver()
		if got := over(); !slices.Equal(got, []uint64{1, 2, 3}) || len(a.callers) != 1 {
			t.Errorf("in the end %v are over, %d are left", got, len(a.callers))
		}
	})
}

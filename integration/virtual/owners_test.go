package virtual

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// R1, R2, R5, T19: two workers are both told that all tasks are theirs, and take the
// slots from each other, in the middle of commits, until one stops. Whoever was
// replaced writes nothing any more: every record counts exactly once.
func TestTwoOwnersOfEveryTask(t *testing.T) {
	onSeeds(t, func(t *testing.T, seed uint64, seen *met) {
		w := newWorld(t, seed)
		m := &tally{}
		var fenced atomic.Int64
		listener := &runtime.Listener{Dropped: func(i runtime.DroppedInfo) {
			if errors.Is(i.Cause, store.ErrFenced) {
				fenced.Add(1)
			}
		}}
		slow := plan{latencyMax: 20 * time.Millisecond} // so that there is a middle of a commit
		w.launch(m, launching{listener: listener}).redis.follow(slow)
		u := w.user(m)
		l := m.load(u)
		var group sync.WaitGroup
		group.Go(func() { l.run(t.Context(), seed, 8, 25, 500*time.Millisecond) })
		elapse(time.Second)
		other := w.launch(&tally{}, launching{address: "worker-1", listener: listener})
		other.redis.follow(slow)
		elapse(3 * time.Second)
		if took := other.stopped(t); took > 10*time.Second {
			t.Errorf("the stop took %v", took)
		}
		group.Wait()
		w.exactlyOnce(t, m, u, l, 4)
		seen.note("owners that were replaced", int(fenced.Load()))
	})
}

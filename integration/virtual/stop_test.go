package virtual

import (
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/runtime"
)

// promise 3.48, R3: workers stop in good order under load and others take their
// places, again and again. What was begun is finished, nothing is lost, and a record
// that does not hop counts exactly once. No stop takes long.
func TestStopsInGoodOrder(t *testing.T) {
	onSeeds(t, func(t *testing.T, seed uint64, seen *met) {
		w := newWorld(t, seed)
		m := &tally{}
		r := w.launch(m, launching{})
		u := w.user(m)
		l := m.load(u)
		var group sync.WaitGroup
		group.Go(func() { l.run(t.Context(), seed, 8, 15, 400*time.Millisecond) })
		for range 4 {
			elapse(time.Second)
			if took := r.stopped(t); took > time.Second {
				t.Errorf("a stop took %v", took)
			}
			r = w.launch(&tally{}, launching{})
		}
		group.Wait()
		w.exactlyOnce(t, m, u, l, 4)
		if len(l.acked) != 120 {
			t.Errorf("%d of 120 clicks were acked", len(l.acked))
		}
	})
}

// promise 3.48, R3: the same for a worker whose tasks send each other
// events. A task that has finished still serves its siblings, so nothing is lost,
// nothing is repeated, and no stop takes long.
func TestStopsInGoodOrderUnderHops(t *testing.T) {
	onSeeds(t, func(t *testing.T, seed uint64, seen *met) {
		w := newWorld(t, seed)
		m := &spread{}
		launch := func() *running {
			r := w.launch(&spread{}, launching{options: runtime.Options{TreeTimeout: 10 * time.Second}})
			r.redis.follow(plan{latencyMax: 20 * time.Millisecond})
			return r
		}
		r := launch()
		u := w.user(m)
		l := m.load(u)
		var group sync.WaitGroup
		group.Go(func() { l.run(t.Context(), seed, 8, 15, 400*time.Millisecond) })
		for range 4 {
			elapse(time.Second)
			if took := r.stopped(t); took > time.Second {
				t.Errorf("a stop took %v", took)
			}
			r = launch()
		}
		group.Wait()
		if repeats := w.atLeastOnce(t.Context(), t, m, u, l, 4); repeats != 0 {
			t.Errorf("%d arrivals were repeats", repeats)
		}
		if len(l.acked) != 120 {
			t.Errorf("%d of 120 clicks were acked", len(l.acked))
		}
	})
}

// stopped stops a worker in good order and returns how long it took.
func (r *running) stopped(t *testing.T) time.Duration {
	t.Helper()
	begun := time.Now()
	if err := r.stop(30 * time.Second); err != nil {
		t.Error(err)
	}
	return time.Since(begun)
}

package virtual

import (
	"testing"
	"time"
)

// R7, R11, R12, T4, T5: connections to the server end at arbitrary commands, before
// or after the bytes of a transaction have left, and some arrive late. Every record
// of a source that does not hop counts exactly once, and nothing acked is lost.
func TestRedisConnectionsThatBreak(t *testing.T) {
	onSeeds(t, func(t *testing.T, seed uint64) {
		w := newWorld(t, seed)
		m := &tally{}
		r := w.launch(m, launching{})
		u := w.user(m)
		faults := often(0.04, lostRequest, tornRequest, lostReply, tornReply, lateRequest)
		r.redis.follow(faults)
		u.redis.follow(faults)
		l := clicksOf(u, &m.Clicks)
		l.run(t.Context(), seed, 8, 25, 50*time.Millisecond)
		r.redis.follow(plan{})
		u.redis.follow(plan{})
		w.exactlyOnce(t, m, u, l, 4)
		if n := r.redis.happened(kinds...); n < 10 {
			t.Errorf("%d connections broke: too few to show anything", n)
		}
		t.Log(time.Since(w.began), r.redis.counts, u.redis.counts, len(l.acked))
	})
}

// exactlyOnce checks that each click in the depot counted once, and no other.
func (w *world) exactlyOnce(t *testing.T, m *tally, u *user, l *load, tasks int) {
	t.Helper()
	if err := u.processed(t.Context(), m.ModuleName(), "clicks", tasks); err != nil {
		t.Error(err)
	}
	inDepot := w.inDepot(t.Context(), u.party, m.ModuleName(), "clicks", tasks)
	l.check(t, inDepot)
	counted, err := m.counted(u.At(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for c := range inDepot {
		if counted[c] != 1 {
			t.Errorf("click %v is in the depot and counted %d times", c, counted[c])
		}
		delete(counted, c)
	}
	for c, n := range counted {
		t.Errorf("click %v is not in the depot and counted %d times", c, n)
	}
}

package virtual

import (
	"testing"
	"time"
)

// breaks are the ways in which a connection ends under a command.
var breaks = []fault{lostRequest, tornRequest, lostReply, tornReply, lateRequest}

// R7, R11, R12, T4, T5: connections to the server end at arbitrary commands, before
// or after the bytes of a transaction have left, and some of these arrive late.
// Every record of a source that does not hop counts exactly once, and nothing acked
// is lost.
func TestRedisConnectionsThatBreak(t *testing.T) {
	onSeeds(t, func(t *testing.T, seed uint64, seen *met) {
		w := newWorld(t, seed)
		m := &tally{}
		r := w.launch(m, launching{})
		u := w.user(m)
		r.redis.follow(often(0.04, breaks...))
		u.redis.follow(often(0.04, breaks...))
		l := m.load(u)
		l.run(t.Context(), seed, 8, 25, 50*time.Millisecond)
		r.redis.follow(plan{})
		u.redis.follow(plan{})
		w.exactlyOnce(t, m, u, l, 4)
		for _, f := range breaks {
			seen.note(string(f)+" of a commit", r.redis.toCommits(f))
		}
	})
}

// R13, R19, promise 3.55: the same under records that hop between two workers. Each
// arrives everywhere at least once, and nothing acked is lost.
func TestRedisConnectionsThatBreakUnderHops(t *testing.T) {
	onSeeds(t, func(t *testing.T, seed uint64, seen *met) {
		w := newWorld(t, seed)
		m := &spread{}
		first, second := w.launchTwo(m, launching{})
		u := w.user(m)
		first.redis.follow(often(0.02, breaks...))
		second.redis.follow(often(0.02, breaks...))
		l := m.load(u)
		l.run(t.Context(), seed, 8, 15, 50*time.Millisecond)
		first.redis.follow(plan{})
		second.redis.follow(plan{})
		repeats := w.atLeastOnce(t.Context(), t, m, u, l, 4)
		seen.note("commits that broke", first.redis.toCommits(breaks...)+second.redis.toCommits(breaks...))
		seen.note("arrivals that were repeats", repeats)
	})
}

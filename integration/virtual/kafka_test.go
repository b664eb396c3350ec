package virtual

import (
	"errors"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
)

// T22, T32, promise 3.17: connections to the broker end under appends and fetches,
// before or after these have left, and some arrive late or are answered late. No
// record that was appended is skipped or counted twice, none is in the depot twice,
// and every append succeeds in its time.
func TestKafkaConnectionsThatBreak(t *testing.T) {
	onSeeds(t, func(t *testing.T, seed uint64, seen *met) {
		w := newWorld(t, seed)
		m := &tally{}
		r := w.launch(m, launching{})
		u := w.user(m)
		p := often(0.02, append(breaks, stall)...)
		r.kafka.follow(p)
		u.kafka.follow(p)
		l := m.load(u)
		l.run(t.Context(), seed, 8, 15, 50*time.Millisecond)
		r.kafka.follow(plan{})
		u.kafka.follow(plan{})
		w.exactlyOnce(t, m, u, l, 4)
		if l.unknown != 0 || len(l.absent) != 0 {
			t.Errorf("of %d appends %d are unknown and %d were not done", len(l.acked), l.unknown, len(l.absent))
		}
		for _, f := range append(breaks, stall) {
			seen.note(string(f)+" of appends", u.kafka.happened(f))
			seen.note(string(f)+" of fetches", r.kafka.happened(f))
		}
	})
}

// The same with both servers at a time, for every party.
func TestBothServersThatBreak(t *testing.T) {
	onSeeds(t, func(t *testing.T, seed uint64, seen *met) {
		w := newWorld(t, seed)
		m := &tally{}
		r := w.launch(m, launching{})
		u := w.user(m)
		lines := []*line{r.kafka, r.redis, u.kafka, u.redis}
		for _, l := range lines {
			l.follow(often(0.02, append(breaks, stall)...))
		}
		l := m.load(u)
		l.run(t.Context(), seed, 8, 15, 50*time.Millisecond)
		for _, l := range lines {
			l.follow(plan{})
		}
		w.exactlyOnce(t, m, u, l, 4)
		seen.note("commits that broke", r.redis.toCommits(breaks...))
	})
}

// An append is tried for as long as kafkadepot.Config.AppendTimeout says, 30 s,
// whatever way its connections fail: while they cannot be made, and while each ends
// before the first reply.
func TestAnAppendIsTriedForItsTime(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]time.Duration{"back in time": 20 * time.Second, "too late": 40 * time.Second} {
		for _, closing := range []bool{false, true} {
			t.Run(name+map[bool]string{false: ", refused", true: ", closed at once"}[closing], func(t *testing.T) {
				inBubble(t, func(t *testing.T) {
					w := newWorld(t, 1)
					m := &tally{}
					w.launch(m, launching{})
					u := w.user(m)
					if closing {
						u.kafka.follow(plan{faults: map[fault]float64{lostReply: 1}})
					} else {
						u.kafka.cut()
					}
					time.AfterFunc(away, func() {
						u.kafka.follow(plan{})
						u.kafka.mend()
					})
					begun := time.Now()
					_, err := m.Clicks.Append(t.Context(), u.Client, click{1, 1})
					took := time.Since(begun)
					switch in := away < 30*time.Second; {
					case in && (err != nil || took < away || took > away+2*time.Second):
						t.Errorf("the broker was back after %v, and the append ended after %v: %v", away, took, err)
					case !in && (!errors.Is(err, client.ErrUnknown) || took < 29*time.Second || took > 32*time.Second):
						t.Errorf("the append ended after %v: %v", took, err)
					}
				})
			})
		}
	}
}

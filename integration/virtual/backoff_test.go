package virtual

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// clock notes times.
type clock struct {
	mu sync.Mutex
	at []time.Time
}

func (c *clock) note() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = append(c.at, time.Now())
}

// pauses are the times between the notes.
func (c *clock) pauses() (all []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := 1; i < len(c.at); i++ {
		all = append(all, c.at[i].Sub(c.at[i-1]))
	}
	return all
}

var errOnPurpose = errors.New("on purpose")

// wantDoubled checks that pauses double from base up to most, the last half of each
// scattered: nothing else takes time.
func wantDoubled(t *testing.T, pauses []time.Duration, base, most time.Duration) {
	t.Helper()
	want, scattered := base, false
	for i, pause := range pauses {
		if pause < want/2 || pause > want {
			t.Errorf("pause %d is %v, want %v to %v", i+1, pause, want/2, want)
		}
		scattered = scattered || pause != want/2
		want = min(2*want, most)
	}
	if !scattered {
		t.Errorf("no pause is scattered: %v", pauses)
	}
}

// R20, promise 3.58: the pause before a retry begins with RetryBackoff and doubles
// up to RetryBackoffMax, by default 10 ms and 10 s; after MaxAttempts the record is
// parked, with the reason.
func TestRetriesBackOff(t *testing.T) {
	t.Parallel()
	for _, options := range []runtime.Options{{}, {RetryBackoff: time.Second, RetryBackoffMax: time.Minute}} {
		t.Run(fmt.Sprint(options.RetryBackoff), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				const attempts = 15
				w := newWorld(t, 1)
				var runs clock
				m := &tally{options: []module.SourceOption{module.MaxAttempts(attempts)}}
				m.before = func(*module.Event, click) error { runs.note(); return errOnPurpose }
				w.launch(m, launching{options: options})
				u := w.user(m)
				_, err := m.Clicks.Append(t.Context(), u.Client, click{1, 1})
				var failed *client.FailedError
				if err := u.settled(t.Context(), err); !errors.As(err, &failed) || !failed.Parked || failed.Attempt != attempts {
					t.Errorf("the append ended with %v", err)
				}
				if n := len(runs.at); n != attempts {
					t.Errorf("the record ran %d times, want %d", n, attempts)
				}
				set := options.WithDefaults()
				wantDoubled(t, runs.pauses(), set.RetryBackoff, set.RetryBackoffMax)
				parked, err := u.Parked(t.Context(), m.ModuleName())
				if err != nil || len(parked) != 1 || parked[0].Attempts != attempts || parked[0].Reason != errOnPurpose.Error() {
					t.Errorf("parked: %+v, %v", parked, err)
				}
			})
		})
	}
}

// R5: a task whose server is away tries to take its slot again after a pause that
// doubles from 20 ms to 2 s, with jitter, and owns it within the longest pause when
// the server is back.
func TestTakeOversBackOff(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const away = time.Minute
		w := newWorld(t, 1)
		m := &tally{}
		var drops, takes clock
		r := w.launch(m, launching{tasks: 1, listener: &runtime.Listener{
			Dropped: func(runtime.DroppedInfo) { drops.note() },
			Took:    func(runtime.TookInfo) { takes.note() },
		}})
		r.redis.cut()
		elapse(away)
		r.redis.mend()
		back := time.Now()
		elapse(5 * time.Second)
		wantDoubled(t, drops.pauses(), 20*time.Millisecond, 2*time.Second)
		if n := len(drops.at); n < 30 {
			t.Errorf("%d tries in %v: the pauses are too long", n, away)
		}
		takes.mu.Lock()
		defer takes.mu.Unlock()
		if n := len(takes.at); n != 2 || takes.at[n-1].Sub(back) > 2*time.Second {
			t.Errorf("the task took its slot at %v; the server was back at %v", takes.at, back)
		}
	})
}

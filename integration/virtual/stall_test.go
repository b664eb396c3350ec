package virtual

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	format "github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// R5, R10, R11, T5: the server stalls for longer than a commit is waited for, again
// and again, and then works on everything that was sent meanwhile: transactions and
// take-overs of connections that were given up. All of that is void: every record
// counts exactly once, and every task finds its owner again.
func TestAServerThatStalls(t *testing.T) {
	onSeeds(t, func(t *testing.T, seed uint64, seen *met) {
		w := newWorld(t, seed)
		m := &tally{}
		var dropped atomic.Int64
		r := w.launch(m, launching{listener: &runtime.Listener{Dropped: func(runtime.DroppedInfo) { dropped.Add(1) }}})
		u := w.user(m)
		r.redis.follow(plan{latencyMax: 200 * time.Millisecond}) // a stall begins between any two commands
		l := m.load(u)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for i := range 5 {
				stop := callTimeout + time.Duration(seed%7)*500*time.Millisecond + time.Duration(i)*300*time.Millisecond
				r.redis.freeze(stop)
				elapse(stop + 3*time.Second)
			}
		}()
		l.run(t.Context(), seed, 8, 20, 2*time.Second)
		<-ended
		w.exactlyOnce(t, m, u, l, 4)
		seen.note("connections given up", int(dropped.Load()))
		seen.note("commits that came late", r.redis.lateCommits())
	})
}

// R10, R11: what each way of losing one commit costs. A commit whose reply alone was
// lost is in, and its record does not run again; one that never arrived runs again;
// one that arrives when the slot was taken anew is void.
func TestOneCommitThatIsLost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		drawn drawn
		runs  int
	}{
		{drawn{fault: lostRequest}, 2},
		{drawn{fault: tornRequest, part: 40}, 2},
		{drawn{fault: lateRequest, pause: callTimeout / 2}, 2},
		{drawn{fault: lateRequest, pause: 3 * callTimeout}, 2},
		{drawn{fault: lostReply}, 1},
		{drawn{fault: tornReply, part: 10}, 1},
		{drawn{fault: stall, pause: 3 * callTimeout}, 1},
		{drawn{fault: stall, pause: callTimeout / 2}, 1},
	} {
		t.Run(fmt.Sprint(test.drawn.fault, " ", test.drawn.pause), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				w := newWorld(t, 1)
				var runs atomic.Int64
				m := &tally{before: func(*module.Event, click) error { runs.Add(1); return nil }}
				r := w.launch(m, launching{tasks: 1})
				u := w.user(m)
				synctest.Wait() // nothing else is to be committed
				r.redis.breakNext(test.drawn)
				_, err := m.Clicks.Append(t.Context(), u.Client, click{1, 1})
				if err := u.settled(t.Context(), err); err != nil {
					t.Fatal(err)
				}
				head := u.head(t)
				elapse(10 * callTimeout) // whatever is late has arrived
				if after := u.head(t); after.Token != head.Token {
					t.Errorf("the head was %v when the record was done, and is %v", head, after)
				}
				if n := r.redis.toCommits(test.drawn.fault); n != 1 {
					t.Errorf("%d commits met the fault, want 1", n)
				}
				if n := runs.Load(); int(n) != test.runs {
					t.Errorf("the record ran %d times, want %d", n, test.runs)
				}
				if n, err := m.Total.Key(1).Get(u.At(t.Context())); n != 1 || err != nil {
					t.Errorf("the record counted %d times, %v", n, err)
				}
			})
		})
	}
}

// head reads the head of the only task.
func (u *user) head(t *testing.T) task.Head {
	t.Helper()
	tag := task.Tag("Tally", 0, 1)
	head, err := u.store.Read(t.Context(), format.Slot(tag), []store.Read{{Kind: store.Len, Table: format.ParkedTable(tag)}})
	if err != nil {
		t.Fatal(err)
	}
	return head
}

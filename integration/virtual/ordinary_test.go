package virtual

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-run/coppice/runtime"
)

// promise 3.04, promise 3.17, promise 3.80: a whole module runs under virtual time: clients, two
// workers, both adapters. An acked append returns, and a read behind it sees its
// effects; nothing in between waits for a timer of more than a poll.
func TestAModuleRunsUnderVirtualTime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		m := &spread{}
		w.launchTwo(m, launching{})
		u := w.user(m)
		l := m.load(u)
		begun := time.Now()
		l.run(t.Context(), 1, 1, 100, time.Millisecond)
		// Each waits for up to two milliseconds before it, and for nothing within.
		if took := time.Since(begun); took > 300*time.Millisecond {
			t.Errorf("100 appends took %v", took)
		}
		if repeats := w.atLeastOnce(t.Context(), t, m, u, l, 4); repeats != 0 || len(l.acked) != 100 {
			t.Errorf("%d of 100 clicks were acked, %d arrivals were repeats", len(l.acked), repeats)
		}
	})
}

// promise 3.61: trees that time out after 10 s, one after another for ten minutes,
// take next to no time of the world outside.
func TestVirtualTimeCostsNothing(t *testing.T) {
	t.Parallel()
	const apart = 10 * time.Minute
	begun := time.Now()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		m := &spread{}
		var failed failures
		w.launchTwo(m, launching{options: runtime.Options{TreeTimeout: 10 * time.Second}, listener: failed.listener()})
		u := w.user(m)
		w.network.part("worker-0", "worker-1")
		time.AfterFunc(apart, func() { w.network.join("worker-0", "worker-1") })
		if err := m.load(u).one(t.Context(), spanning(4)); err != nil {
			t.Error(err)
		}
		if n := failed.because("not complete within 10s"); n < 25 {
			t.Errorf("%d trees timed out, want at least 25", n)
		}
		if took := time.Since(w.began); took < apart {
			t.Errorf("only %v of virtual time have passed", took)
		}
	})
	if took := time.Since(begun); took > apart/20 {
		t.Errorf("%v of virtual time took %v", apart, took)
	}
}

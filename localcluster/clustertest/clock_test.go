package clustertest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// hours counts words by the hour in which they were appended.
type hours struct {
	Words  module.Depot[string]
	Counts pstate.MapOf[string, pstate.SortedMap[int64, int]]
	count  module.Step[string]
}

func (m *hours) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Words, "words")
	s := b.Stream("hours")
	s.PState(&m.Counts, "counts")
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, func(w string) string { return w }), func(ev *module.Event, w string) error {
		m.Counts.Key(w).Key(ev.Now().Unix()/3600).Update(ev, func(n int) int { return n + 1 })
		return nil
	})
	module.DeclareSource(s, m.Words, func(ev *module.Event, w string) error {
		m.count.Send(ev, w)
		return nil
	})
}

// A module sees the clock's time, which stands still until the test moves it.
func TestAClockStampsRecords(t *testing.T) {
	t.Parallel()
	m := &hours{}
	clock := localcluster.NewClock(time.Date(2026, 1, 31, 23, 59, 59, 999e6+5, time.UTC))
	kit := clustertest.Start(t, m, clustertest.Config{Clock: clock})
	hour := clock.Now().Unix() / 3600
	for _, word := range []string{"a", "a", "b"} {
		if _, err := m.Words.Append(t.Context(), kit, word); err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(time.Millisecond)
	if _, err := m.Words.Append(t.Context(), kit, "a"); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[int64]int{hour: 2, hour + 1: 1, hour + 2: 0} {
		if n, err := m.Counts.Key("a").Key(at).Get(kit); n != want || err != nil {
			t.Errorf("counted %d in hour %d, want %d: %v", n, at-hour, want, err)
		}
	}
}

// promise 3.61, promise 3.64: the clock takes timeouts along: a tree whose event waits
// fails when its time is up, and runs again.
func TestAClockTakesTimeoutsAlong(t *testing.T) {
	t.Parallel()
	m := &hours{}
	clock := localcluster.NewClock(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))
	kit := clustertest.Start(t, m, clustertest.Config{Clock: clock, Options: runtime.Options{TreeTimeout: time.Hour}})
	hold := kit.Hold(m.count)
	p := clustertest.Begin(kit, m.Words, "a")
	hold.Await(1)
	clock.Advance(59 * time.Minute)
	clock.Advance(2 * time.Minute)
	hold.Await(2) // the second attempt
	hold.Release()
	if _, err := p.Await(); err != nil {
		t.Fatal(err)
	}
	kit.Settle()
	if n, err := m.Counts.Key("a").Key(clock.Now().Add(-61*time.Minute).Unix() / 3600).Get(kit); n != 2 || err != nil {
		t.Errorf("counted %d, want both attempts, at the time of the record: %v", n, err)
	}
}

// A source that starts a time ago goes by the clock.
func TestAClockAndStarts(t *testing.T) {
	t.Parallel()
	clock := localcluster.NewClock(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))
	c, err := localcluster.Start(t.Context(), localcluster.Config{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	first := clustertest.Start(t, &late{}, clustertest.Config{Cluster: c, Tasks: 1})
	m := &late{ago: 90 * time.Minute}
	if err := c.Client().Use(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := m.Words.Append(t.Context(), first, "w"); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
	}
	// The records are 3, 2 and 1 hours old.
	second := clustertest.Start(t, &late{ago: 150 * time.Minute, stream: "second"}, clustertest.Config{Cluster: c, Tasks: 1})
	second.Settle()
	if n := second.Status()[0].Sources[0].Next; n != 3 {
		t.Errorf("the source is at offset %d", n)
	}
}

// late counts words from a time on.
type late struct {
	ago    time.Duration
	stream string
	Words  module.Depot[string]
}

func (m *late) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Words, "words")
	s := b.Stream("late" + m.stream)
	module.DeclareSource(s, m.Words, func(ev *module.Event, w string) error { return nil }, module.StartFromTimeAgo(m.ago))
}

// A kit works inside of a bubble, where all time is virtual: a timeout of a minute costs
// none.
func TestInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bank := &Bank{}
		kit := clustertest.Start(t, bank, clustertest.Config{Workers: 2})
		a := clustertest.KeyPerTask(kit, bank.Balances)
		begun := time.Now()
		hold := kit.Hold(bank.deposit)
		p := clustertest.Begin(kit, bank.Transfers, Transfer{1, a[0], a[2], 30})
		hold.Await(2) // comes with the second attempt, after the timeout of 30 s
		if waited := time.Since(begun); waited < 30*time.Second || waited > 31*time.Second {
			t.Errorf("the second attempt came after %v", waited)
		}
		crash := kit.CrashAt(clustertest.AfterCommit, bank.deposit)
		hold.Release()
		if _, err := p.Await(); err != nil {
			t.Fatal(err)
		}
		crash.Await()
		kit.Settle()
		balances(t, kit, bank, map[string]int{a[0]: -30, a[2]: 30})
	})
}

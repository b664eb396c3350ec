package clustertest_test

import (
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/localcluster/clustertest"
)

// points are all crash points.
var points = []clustertest.Point{clustertest.BeforeCommit, clustertest.AfterCommit, clustertest.BeforeAcks}

// promise 3.51, promise 3.62, promise 3.65, promise 3x.05, promise 3x.06: what an owner
// leaves behind when it ends at each point of a record's first event. Its next owner is
// kept from running the record again until the test has looked.
func TestWhatACrashLeaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		point          clustertest.Point
		paid, received int
	}{
		{clustertest.BeforeCommit, 0, 0},
		{clustertest.AfterCommit, -30, 0},
		{clustertest.BeforeAcks, -30, 30},
	} {
		t.Run(c.point.String(), func(t *testing.T) {
			t.Parallel()
			bank := &Bank{}
			kit := clustertest.Start(t, bank, clustertest.Config{Workers: 2})
			a := clustertest.KeyPerTask(kit, bank.Balances)
			recording := kit.Record()
			hold := kit.Hold(bank.Transfers)
			hold.Let(1, 1)
			crash := kit.CrashAt(c.point, bank.Transfers)
			p := clustertest.Begin(kit, bank.Transfers, Transfer{1, a[1], a[2], 30})
			crash.Await()
			hold.Await(1)
			if e := crash.Event(); e.Task != 1 || !e.Root || e.Attempt != 1 {
				t.Errorf("the crash befell %+v", e)
			}
			if c.received != 0 {
				recording.Await("the hop that had left", func(n clustertest.Counts) bool { return n.Batches > 0 })
			}
			balances(t, kit, bank, map[string]int{a[1]: c.paid, a[2]: c.received})
			hold.Release()
			if _, err := p.Await(); err != nil {
				t.Fatal(err)
			}
			kit.Settle()
			balances(t, kit, bank, map[string]int{a[1]: -30, a[2]: 30})
			if n := recording.Counts().Done; n != 1 {
				t.Errorf("%d records are done, want one", n)
			}
		})
	}
}

// promise 3.54, promise 3.55, promise 3.56, promise 0.37: a record runs again from its
// root, whichever of its events the owner ends at, and however far that one had come.
// What the handlers write only once is there once.
func TestTransfersSurviveEveryCrash(t *testing.T) {
	t.Parallel()
	for _, handler := range []string{"transfers", "deposit"} {
		for _, point := range points {
			t.Run(fmt.Sprint(handler, " ", point), func(t *testing.T) {
				t.Parallel()
				bank := &Bank{}
				kit := clustertest.Start(t, bank, clustertest.Config{})
				a := clustertest.KeyPerTask(kit, bank.Balances)
				name := clustertest.Step("bank", handler)
				name.Source = handler == "transfers"
				recording := kit.Record()
				crash := kit.CrashAt(point, name)
				for id := range 3 {
					if _, err := bank.Transfers.Append(t.Context(), kit, Transfer{id, a[3], a[0], 10}); err != nil {
						t.Fatal(err)
					}
				}
				crash.Await()
				kit.Settle()
				balances(t, kit, bank, map[string]int{a[3]: -30, a[0]: 30})
				if n := len(recording.Trees()); n != 4 {
					t.Errorf("%d attempts at three records, want one more: %v", n, recording.Counts())
				}
			})
		}
	}
}

// A record that does not hop counts once, wherever its owner ends: its effects are in
// the commit of its end (promise 3.48, promise 3.62).
func TestARecordWithoutHopsCountsOnce(t *testing.T) {
	t.Parallel()
	for _, point := range points {
		t.Run(point.String(), func(t *testing.T) {
			t.Parallel()
			m := &counter{}
			kit := clustertest.Start(t, m, clustertest.Config{})
			for i := range 5 {
				crash := kit.CrashAt(point, m.Words)
				acks, err := m.Words.Append(t.Context(), kit, "w")
				if err != nil {
					t.Fatal(err)
				}
				crash.Await()
				if n, ok := m.Count.From(acks); ok && n != i+1 {
					t.Errorf("the append returned %d, want %d", n, i+1)
				}
			}
			if n, err := m.Counts.Key("w").Get(kit); n != 5 || err != nil {
				t.Errorf("counted %d, want 5: %v", n, err)
			}
		})
	}
}

// Crash ends any owner at any time; the others do not notice, and what was under way
// runs again.
func TestCrashWhileEventsWait(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{})
	a := clustertest.KeyPerTask(kit, bank.Balances)
	hold := kit.Hold(bank.deposit)
	p := clustertest.Begin(kit, bank.Transfers, Transfer{1, a[0], a[2], 30})
	hold.Await(1)
	kit.Crash(2) // the deposit is gone with the owner's queue
	hold.Await(1)
	kit.Crash(0) // the tree is gone
	hold.Await(2)
	hold.Release()
	if _, err := p.Await(); err != nil {
		t.Fatal(err)
	}
	kit.Settle()
	balances(t, kit, bank, map[string]int{a[0]: -30, a[2]: 30})
}

package clustertest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// exactly is a bank that books whatever comes, in a topology where that comes once.
func exactly() *Bank {
	return &Bank{careless: true, options: []module.StreamOption{module.ExactlyOnce()}}
}

// promise 3.56, R23, R29: in an exactly-once topology a counter counts once, wherever
// the owner of either of its tasks ends.
func TestExactlyOnceThroughEveryCrash(t *testing.T) {
	t.Parallel()
	for _, handler := range []module.HandlerName{clustertest.Source("bank", "transfers"), clustertest.Step("bank", "deposit")} {
		for _, point := range points {
			t.Run(fmt.Sprint(handler.Name, " ", point), func(t *testing.T) {
				t.Parallel()
				bank := exactly()
				kit := clustertest.Start(t, bank, clustertest.Config{Workers: 2})
				a := clustertest.KeyPerTask(kit, bank.Balances)
				for id := range 3 {
					crash := kit.CrashAt(point, handler)
					if _, err := bank.Transfers.Append(t.Context(), kit, Transfer{id, a[0], a[1], 10}); err != nil {
						t.Fatal(err)
					}
					crash.Await()
				}
				kit.Settle()
				balances(t, kit, bank, map[string]int{a[0]: -30, a[1]: 30})
			})
		}
	}
}

// R24, R28: events of a channel wait at a hold, outlive their owner there, and run in
// their order.
func TestHoldsOfExactlyOnce(t *testing.T) {
	t.Parallel()
	bank := exactly()
	kit := clustertest.Start(t, bank, clustertest.Config{})
	a := clustertest.KeyPerTask(kit, bank.Balances)
	hold := kit.Hold(bank.deposit)
	for id := range 3 {
		clustertest.Begin(kit, bank.Transfers, Transfer{id, a[1], a[3], 1 << id})
	}
	hold.Await(3)
	kit.Crash(3)
	kit.Crash(1)
	hold.Await(3)
	if s := kit.Status(); s[3].Queued != 3 || s[3].AtRest() || s[1].AtRest() {
		t.Errorf("status %v", s)
	}
	balances(t, kit, bank, map[string]int{a[1]: -7, a[3]: 0})
	recording := kit.Record()
	for id := range 2 {
		hold.Let(1)
		recording.Await("an event that was let pass", func(c clustertest.Counts) bool { return c.Batches == id+1 })
		balances(t, kit, bank, map[string]int{a[3]: 1<<(id+1) - 1})
	}
	hold.Release()
	kit.Settle()
	balances(t, kit, bank, map[string]int{a[1]: -7, a[3]: 7})
}

// R28: an event that fails is tried again by itself; a recording tells both runs below
// the one event that sent it.
func TestRetriesOfExactlyOnce(t *testing.T) {
	t.Parallel()
	m := &stumbler{options: []module.StreamOption{module.ExactlyOnce()}}
	kit := clustertest.Start(t, m, clustertest.Config{})
	recording := kit.Record()
	if _, err := m.Falls.Append(t.Context(), kit, 1); err != nil {
		t.Fatal(err)
	}
	kit.Settle()
	trees := recording.Trees()
	if len(trees) != 1 || len(trees[0].Events) != 3 || trees[0].Attempt != 1 {
		t.Fatalf("trees: %v", trees)
	}
	if lines := strings.Split(trees[0].String(), "\n"); !strings.HasPrefix(lines[2], "    end on task ") || !strings.HasSuffix(lines[2], ": failed: not yet") || !strings.HasSuffix(lines[3], ": 1 point read, 1 write") {
		t.Errorf("the tree is %q", lines)
	}
	var failed *client.FailedError
	if _, err := m.Falls.Append(t.Context(), kit, 9); !errors.As(err, &failed) || !failed.Parked {
		t.Errorf("an event that is parked: %v", err)
	}
	kit.Settle()
}

// R29: a record of an exactly-once topology that takes longer than the timeout goes on.
// Its appender is told that the outcome is not known, may ask again, and gets the result.
func TestATimeoutOfExactlyOnce(t *testing.T) {
	t.Parallel()
	bank := exactly()
	clock := localcluster.NewClock(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))
	kit := clustertest.Start(t, bank, clustertest.Config{Clock: clock, Options: runtime.Options{TreeTimeout: time.Hour}})
	a := clustertest.KeyPerTask(kit, bank.Balances)
	hold := kit.Hold(bank.deposit)
	told := make(chan error, 1)
	go func() {
		_, err := bank.Transfers.Append(t.Context(), kit.Client(), Transfer{1, a[1], a[3], 5})
		told <- err
	}()
	hold.Await(1)
	// One that asks after the time was up waits for the next time.
	kit.AwaitStatus("an appender that waits", func(tasks []runtime.Status) bool {
		return slices.ContainsFunc(tasks, func(s runtime.Status) bool { return s.Appenders > 0 })
	})
	clock.Advance(61 * time.Minute)
	var unknown *client.UnknownError
	if err := <-told; !errors.As(err, &unknown) || !strings.Contains(err.Error(), "it goes on") {
		t.Fatalf("after the timeout: %v", err)
	}
	hold.Release()
	if _, err := kit.Client().Await(t.Context(), unknown.Place); err != nil {
		t.Errorf("asked again: %v", err)
	}
	kit.Settle()
	balances(t, kit, bank, map[string]int{a[1]: -5, a[3]: 5})
}

package clustertest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
)

// inTest runs the body of an example as a test would run it: t is its *testing.T there.
func inTest(body func(t clustertest.T)) {
	t := &exampleT{}
	defer func() {
		for i := len(t.cleanups) - 1; i >= 0; i-- {
			t.cleanups[i]()
		}
	}()
	body(t)
}

type exampleT struct{ cleanups []func() }

func (t *exampleT) Helper()                           {}
func (t *exampleT) Context() context.Context          { return context.Background() }
func (t *exampleT) Cleanup(do func())                 { t.cleanups = append(t.cleanups, do) }
func (t *exampleT) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (t *exampleT) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// A test starts a kit with its module, appends and reads with the module's own
// handles, and checks what came of it.
func Example() {
	inTest(func(t clustertest.T) {
		bank := &Bank{}
		kit := clustertest.Start(t, bank, clustertest.Config{Tasks: 4})

		_, err := bank.Transfers.Append(t.Context(), kit, Transfer{1, "ann", "bob", 30})
		fmt.Println(err)
		n, err := bank.Balances.Key("bob").Get(kit)
		fmt.Println(n, err)
	})
	// Output:
	// <nil>
	// 30 <nil>
}

// Keys that lie on tasks of choice: for what happens between two tasks, or on one.
func ExampleKeysForTask() {
	inTest(func(t clustertest.T) {
		bank := &Bank{}
		kit := clustertest.Start(t, bank, clustertest.Config{Tasks: 4})
		n := 0
		for account := range clustertest.KeysForTask(kit, bank.Balances, 2) {
			fmt.Println(account)
			if n++; n == 3 {
				break
			}
		}
		fmt.Println(clustertest.KeyPerTask(kit, bank.Balances))
	})
	// Output:
	// k8
	// k10
	// k11
	// [k3 k0 k8 k14]
}

// Between the payment and the deposit there is a moment, which a hold makes last.
func ExampleKit_Hold() {
	inTest(func(t clustertest.T) {
		bank := &Bank{}
		kit := clustertest.Start(t, bank, clustertest.Config{})
		hold := kit.Hold(bank.deposit)
		transfer := clustertest.Begin(kit, bank.Transfers, Transfer{1, "ann", "bob", 30})
		hold.Await(1)

		ann, _ := bank.Balances.Key("ann").Get(kit)
		bob, _ := bank.Balances.Key("bob").Get(kit)
		fmt.Println(ann, bob)

		hold.Release()
		_, err := transfer.Await()
		bob, _ = bank.Balances.Key("bob").Get(kit)
		fmt.Println(bob, err)
	})
	// Output:
	// -30 0
	// 30 <nil>
}

// The owner of the depositing task ends when the deposit is in the store and nobody
// knows of it. The transfer runs again from its root, and changes nothing twice.
func ExampleKit_CrashAt() {
	inTest(func(t clustertest.T) {
		bank := &Bank{}
		kit := clustertest.Start(t, bank, clustertest.Config{})
		recording := kit.Record()
		crash := kit.CrashAt(clustertest.AfterCommit, bank.deposit)

		_, err := bank.Transfers.Append(t.Context(), kit, Transfer{1, "ann", "bob", 30})
		crash.Await()
		kit.Settle()

		ann, _ := bank.Balances.Key("ann").Get(kit)
		bob, _ := bank.Balances.Key("bob").Get(kit)
		fmt.Println(err, ann, bob, "in", len(recording.Trees()), "attempts")
	})
	// Output:
	// <nil> -30 30 in 2 attempts
}

// A recording counts what the tasks do, and tells the tree of each record.
func ExampleKit_Record() {
	inTest(func(t clustertest.T) {
		bank := &Bank{}
		kit := clustertest.Start(t, bank, clustertest.Config{Tasks: 4})
		account := clustertest.KeyPerTask(kit, bank.Balances)
		recording := kit.Record()
		if _, err := bank.Transfers.Append(t.Context(), kit, Transfer{1, account[3], account[0], 30}); err != nil {
			t.Fatalf("%v", err)
		}
		kit.Settle()

		c := recording.Counts()
		fmt.Println(c.Events, "events,", c.PointReads, "reads,", c.Writes, "writes,", c.Hops, "hop")
		for _, tree := range recording.Trees() {
			fmt.Println(&tree)
		}
	})
	// Output:
	// 2 events, 4 reads, 4 writes, 1 hop
	// bank/transfers partition 3 offset 0 attempt 1: 2 events
	//   transfers on task 3: 2 point reads, 2 writes, 1 hop
	//     deposit on task 0: 2 point reads, 2 writes
}

// What one commit holds: the events that waited together.
func ExampleRecording_Batches() {
	inTest(func(t clustertest.T) {
		m := &counter{}
		kit := clustertest.Start(t, m, clustertest.Config{Tasks: 1})
		recording := kit.Record()
		hold := kit.Hold(m.Words)
		for _, word := range []string{"to", "be", "to"} {
			clustertest.Begin(kit, m.Words, word)
		}
		hold.Await(3)
		hold.Release()
		kit.Settle()
		for _, b := range recording.Batches() {
			fmt.Println(len(b.Events), "events, written", b.In("counts"))
		}
	})
	// Output:
	// 3 events, written [counts to = 2 counts be = 1]
}

// The module sees the time that the test says.
func ExampleStart_clock() {
	inTest(func(t clustertest.T) {
		m := &hours{}
		clock := localcluster.NewClock(time.Date(2026, 2, 28, 23, 30, 0, 0, time.UTC))
		kit := clustertest.Start(t, m, clustertest.Config{Clock: clock})
		for range 3 {
			if _, err := m.Words.Append(t.Context(), kit, "w"); err != nil {
				t.Fatalf("%v", err)
			}
			clock.Advance(time.Hour)
		}
		for hour := range 3 {
			at := time.Date(2026, 2, 28, 23+hour, 0, 0, 0, time.UTC)
			n, _ := m.Counts.Key("w").Key(at.Unix() / 3600).Get(kit)
			fmt.Println(at.Format("Jan 2 15:04"), n)
		}
	})
	// Output:
	// Feb 28 23:00 1
	// Mar 1 00:00 1
	// Mar 1 01:00 1
}

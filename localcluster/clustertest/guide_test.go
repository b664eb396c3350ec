package clustertest_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/guide"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// The tests of docs/guides/testing-modules.md.

func TestATransfer(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{})

	_, err := bank.Transfers.Append(t.Context(), kit, Transfer{ID: 1, From: "ann", To: "bob", Amount: 30})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := bank.Balances.Key("bob").Get(kit); n != 30 || err != nil {
		t.Errorf("bob has %d, error %v", n, err)
	}
}

func TestAHundredTransfers(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{})

	_, err := bank.Transfers.Append(t.Context(), kit, Transfer{ID: 1, From: "ann", To: "bob", Amount: -30})
	if !errors.Is(err, client.ErrRejected) {
		t.Errorf("a negative transfer: %v", err)
	}
	for id := range 100 {
		_, err := bank.Transfers.Append(t.Context(), kit, Transfer{id, "ann", "bob", 1}, module.Wait(module.AckAppend))
		if err != nil {
			t.Fatal(err)
		}
	}
	kit.Settle()
	if n, err := bank.Balances.Key("bob").Get(kit); n != 100 || err != nil {
		t.Errorf("bob has %d, error %v", n, err)
	}
}

func TestTheDepositComesLater(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{})
	account := clustertest.KeyPerTask(kit, bank.Balances)

	hold := kit.Hold(bank.deposit, 2)
	transfer := clustertest.Begin(kit, bank.Transfers, Transfer{1, account[0], account[2], 30})
	hold.Await(1)
	if paid, _ := bank.Balances.Key(account[0]).Get(kit); paid != -30 {
		t.Errorf("the payment is not there: %d", paid)
	}
	if received, _ := bank.Balances.Key(account[2]).Get(kit); received != 0 {
		t.Errorf("the deposit is there already: %d", received)
	}
	hold.Release()
	if _, err := transfer.Await(); err != nil {
		t.Error(err)
	}
}

func TestATransferSurvivesACrash(t *testing.T) {
	t.Parallel()
	for _, handler := range []module.HandlerName{clustertest.Source("bank", "transfers"), clustertest.Step("bank", "deposit")} {
		for _, point := range []clustertest.Point{clustertest.BeforeCommit, clustertest.AfterCommit, clustertest.BeforeAcks} {
			t.Run(fmt.Sprint(handler.Name, " ", point), func(t *testing.T) {
				t.Parallel()
				bank := &Bank{}
				kit := clustertest.Start(t, bank, clustertest.Config{})
				account := clustertest.KeyPerTask(kit, bank.Balances)

				crash := kit.CrashAt(point, handler)
				_, err := bank.Transfers.Append(t.Context(), kit, Transfer{1, account[0], account[2], 30})
				if err != nil {
					t.Fatal(err)
				}
				crash.Await()
				kit.Settle()
				if n, _ := bank.Balances.Key(account[0]).Get(kit); n != -30 {
					t.Errorf("the payer has %d, want -30", n)
				}
				if n, _ := bank.Balances.Key(account[2]).Get(kit); n != 30 {
					t.Errorf("the receiver has %d, want 30", n)
				}
			})
		}
	}
}

func TestWhatATransferCosts(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{})
	account := clustertest.KeyPerTask(kit, bank.Balances)

	recording := kit.Record()
	_, err := bank.Transfers.Append(t.Context(), kit, Transfer{1, account[0], account[2], 30})
	if err != nil {
		t.Fatal(err)
	}
	kit.Settle()
	if c := recording.Counts(); c.Events != 2 || c.PointReads != 4 || c.Writes != 4 || c.Hops != 1 {
		t.Errorf("a transfer costs %v", c)
	}
	for _, tree := range recording.Trees() {
		t.Log(&tree)
	}
	guide.Outputs(t, "docs/guides/testing-modules.md", fmt.Sprintln(&recording.Trees()[0]))
}

func TestAtMidnight(t *testing.T) {
	t.Parallel()
	m := &hours{}
	clock := localcluster.NewClock(time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC))
	kit := clustertest.Start(t, m, clustertest.Config{Clock: clock})

	before := clock.Now().Unix() / 3600
	for range 2 {
		if _, err := m.Words.Append(t.Context(), kit, "cheers"); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Second)
	}
	for hour := range int64(2) {
		if n, err := m.Counts.Key("cheers").Key(before + hour).Get(kit); n != 1 || err != nil {
			t.Errorf("hour %d has %d, error %v", hour, n, err)
		}
	}
}

func TestATransferThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bank := &Bank{}
		kit := clustertest.Start(t, bank, clustertest.Config{Options: runtime.Options{TreeTimeout: time.Hour}})
		hold := kit.Hold(bank.deposit)
		transfer := clustertest.Begin(kit, bank.Transfers, Transfer{1, "ann", "bob", 30})
		time.Sleep(5 * time.Minute)
		hold.Release()
		if _, err := transfer.Await(); err != nil {
			t.Error(err)
		}
	})
}

// promise 3.56: what the guide says of a module that counts again.
func TestACarelessBankPaysTwice(t *testing.T) {
	t.Parallel()
	bank := &Bank{careless: true}
	kit := clustertest.Start(t, bank, clustertest.Config{})
	account := clustertest.KeyPerTask(kit, bank.Balances)
	crash := kit.CrashAt(clustertest.AfterCommit, bank.deposit)
	if _, err := bank.Transfers.Append(t.Context(), kit, Transfer{1, account[0], account[2], 30}); err != nil {
		t.Fatal(err)
	}
	crash.Await()
	kit.Settle()
	balances(t, kit, bank, map[string]int{account[0]: -60, account[2]: 60})
}

// Every block of Go in the guide is in a test of this package, but for its indentation.
func TestTheGuideShowsCodeThatRuns(t *testing.T) {
	t.Parallel()
	guide.Shows(t, "docs/guides/testing-modules.md", "*_test.go")
}

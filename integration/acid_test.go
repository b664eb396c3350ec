package integration

import (
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/examples/bank"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/pstate"
)

// ledgers is a kit with a bank in which an account on each task has 100 cents.
func ledgers(t *testing.T, c *localcluster.Cluster) (m *bank.Bank, kit *clustertest.Kit, names []string) {
	t.Helper()
	m = &bank.Bank{Name: unique("Bank")}
	kit = clustertest.Start(t, m, clustertest.Config{Cluster: c})
	names = clustertest.KeyPerTask(kit, m.Balances)
	for _, name := range names {
		if _, err := m.Operations.Append(t.Context(), kit, bank.Deposit{ID: "first", Account: name, Cents: 100}); err != nil {
			t.Fatal(err)
		}
	}
	return m, kit, names
}

// holds checks an account: its balance, and that its history has so many lines that add
// up to it.
func holds(t *testing.T, m *bank.Bank, r pstate.Reader, name string, want int64, lines int) {
	t.Helper()
	have, err := m.Balances.Key(name).Get(r)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	n := 0
	for e, err := range m.History.Key(name).Range(r, pstate.All[bank.Moment]()) {
		if err != nil {
			t.Fatal(err)
		}
		sum += e.Val.Cents
		n++
	}
	if have != want || sum != want || n != lines {
		t.Errorf("account %s has %d cents, and %d lines that add up to %d; want %d cents and %d lines", name, have, n, sum, want, lines)
	}
}

// promise 0.14, promise 0.17, promise 0.19: what an event has written is seen together,
// in all PStates of its task, while the event that it sent to another task is still to
// come; nobody waits for that but its appender, who is answered when all of it is there.
func TestATransferIsSeenOneSideAtATime(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m, kit, names := ledgers(t, c)
		from, to := names[0], names[1]
		hold := kit.Hold(m.Credits)
		transfer := clustertest.Begin(kit, m.Operations, bank.Operation(bank.Transfer{ID: "t", From: from, To: to, Cents: 60}))
		hold.Await(1)
		holds(t, m, kit, from, 40, 2)
		holds(t, m, kit, to, 100, 1)
		if receipt, there, err := m.Receipts.Key(from).Key("t").Lookup(kit); !there || receipt.Left != 40 || err != nil {
			t.Errorf("the receipt of the transfer is %+v, %t, %v", receipt, there, err)
		}
		for name, left := range map[string]int64{from: 30, to: 90} {
			acks, err := m.Operations.Append(t.Context(), kit, bank.Withdrawal{ID: "w", Account: name, Cents: 10})
			if got, _ := m.Left.From(acks); got != left || err != nil {
				t.Errorf("a withdrawal from %s meanwhile: %d left, %v; want %d", name, got, err, left)
			}
		}
		hold.Release()
		if _, err := transfer.Await(); err != nil {
			t.Fatal(err)
		}
		holds(t, m, kit, from, 30, 3)
		holds(t, m, kit, to, 150, 3)
	})
}

// R23 to R29, promise 3.56: the owner ends at each moment of each event of a transfer. The
// next one goes on, and the money has moved once.
func TestEveryCrashOfATransfer(t *testing.T) {
	for _, handler := range []string{"operations", "credit"} {
		for _, point := range []clustertest.Point{clustertest.BeforeCommit, clustertest.AfterCommit, clustertest.BeforeAcks} {
			t.Run(fmt.Sprint(handler, " ", point), func(t *testing.T) {
				onAll(t, func(t *testing.T, c *localcluster.Cluster) {
					m, kit, names := ledgers(t, c)
					name := clustertest.Step("bank", handler)
					name.Source = handler == "operations"
					crash := kit.CrashAt(point, name)
					for i := range 3 {
						if _, err := m.Operations.Append(t.Context(), kit, bank.Transfer{ID: fmt.Sprint(i), From: names[2], To: names[1], Cents: 20}); err != nil {
							t.Fatal(err)
						}
					}
					crash.Await()
					kit.Settle()
					holds(t, m, kit, names[2], 40, 4)
					holds(t, m, kit, names[1], 160, 4)
				})
			})
		}
	}
}

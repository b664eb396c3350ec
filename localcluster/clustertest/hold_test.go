package clustertest_test

import (
	"testing"

	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
)

// balance reads a balance.
func balance(t *testing.T, kit *clustertest.Kit, bank *Bank, account string) int {
	t.Helper()
	n, err := bank.Balances.Key(account).Get(kit)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// balances checks the balances of some accounts.
func balances(t *testing.T, kit *clustertest.Kit, bank *Bank, want map[string]int) {
	t.Helper()
	for account, n := range want {
		if got := balance(t, kit, bank, account); got != n {
			t.Errorf("account %s has %d, want %d", account, got, n)
		}
	}
}

// promise 3.41, promise 3x.05, promise 0.19: the effects of a record become visible
// event by event. While the deposit waits on its task the payment is there, its hop has
// left, and the deposit is not.
func TestAHoldShowsWhatIsBetweenTwoEvents(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{Workers: 2})
	a := clustertest.KeyPerTask(kit, bank.Balances)
	hold := kit.Hold(bank.deposit, 2)
	held := clustertest.Begin(kit, bank.Transfers, Transfer{1, a[0], a[2], 30})
	hold.Await(1)
	balances(t, kit, bank, map[string]int{a[0]: -30, a[2]: 0})

	// Other tasks go on with the same step, and so does the held task with other events.
	for id, other := range []Transfer{{2, a[0], a[1], 5}, {3, a[2], a[3], 7}} {
		if _, err := bank.Transfers.Append(t.Context(), kit, other); err != nil {
			t.Errorf("transfer %d: %v", id, err)
		}
	}
	balances(t, kit, bank, map[string]int{a[0]: -35, a[1]: 5, a[2]: -7, a[3]: 7})
	if n := hold.Waiting(); n != 1 {
		t.Errorf("%d events wait", n)
	}
	hold.Release()
	if _, err := held.Await(); err != nil {
		t.Fatal(err)
	}
	balances(t, kit, bank, map[string]int{a[0]: -35, a[2]: 23})
}

// promise 0.12: a hold lets pass as many as it is told; those that wait are in the
// order in which they were sent.
func TestAHoldLetsEventsPassInTheirOrder(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{})
	a := clustertest.KeyPerTask(kit, bank.Balances)
	hold := kit.Hold(clustertest.Step("bank", "deposit"))
	var all []*clustertest.Pending
	for id := range 4 {
		all = append(all, clustertest.Begin(kit, bank.Transfers, Transfer{id, a[1], a[3], 1 << id}))
	}
	hold.Await(4)
	for id := range 3 {
		hold.Let(1, 3)
		if _, err := all[id].Await(); err != nil {
			t.Fatal(err)
		}
		balances(t, kit, bank, map[string]int{a[1]: -15, a[3]: 1<<(id+1) - 1})
	}
	hold.Release()
	hold.Release() // again does nothing
	kit.Settle()
	balances(t, kit, bank, map[string]int{a[3]: 15})
}

// A held depot begins no record, and what waits there is begun when it is released: in
// one batch, if it has come meanwhile.
//
// promise 3.43, promise 3.44: events that wait together run and are committed together.
func TestAHeldDepotGathersABatch(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{Tasks: 2})
	a := clustertest.KeyPerTask(kit, bank.Balances)
	hold := kit.Hold(bank.Transfers)
	for id := range 5 {
		clustertest.Begin(kit, bank.Transfers, Transfer{id, a[0], a[1], 10})
	}
	hold.Await(5)
	if n := balance(t, kit, bank, a[0]); n != 0 {
		t.Errorf("the balance is %d while the depot is held", n)
	}
	recording := kit.Record()
	hold.Release()
	kit.Settle()
	for _, b := range recording.Batches() {
		if b.Task != 0 || !b.Exec {
			continue
		}
		writes := b.In("balances")
		if len(b.Events) != 5 || len(writes) != 1 || writes[0].Field != a[0] || writes[0].Value != "-50" {
			t.Errorf("the batch has %d events and writes %v, want one commit of five", len(b.Events), writes)
		}
		break
	}
	balances(t, kit, bank, map[string]int{a[0]: -50, a[1]: 50})
}

// A hold stands for owners that come later.
func TestAHoldOutlivesTheOwner(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{})
	a := clustertest.KeyPerTask(kit, bank.Balances)
	hold := kit.Hold(clustertest.Source("bank", "transfers"), 1)
	held := clustertest.Begin(kit, bank.Transfers, Transfer{1, a[1], a[2], 3})
	hold.Await(1)
	kit.Crash(1)
	hold.Await(1)
	if _, err := kit.Cluster().AddWorker(t.Context(), bank); err != nil { // takes half of the tasks
		t.Fatal(err)
	}
	hold.Await(1)
	balances(t, kit, bank, map[string]int{a[1]: 0})
	hold.Release()
	if _, err := held.Await(); err != nil {
		t.Fatal(err)
	}
	balances(t, kit, bank, map[string]int{a[1]: -3, a[2]: 3})
}

// blocker is a module whose handler waits for the test.
type blocker struct {
	Words   module.Depot[string]
	reached chan string
	gate    chan struct{}
}

func (m *blocker) Define(b *module.Builder) {
	module.HashDepot(b, &m.Words, "words", func(v string) string { return v })
	s := b.Stream("blocker")
	module.DeclareSource(s, m.Words, func(_ *module.Event, v string) error {
		if v != "pass" {
			m.reached <- v
			<-m.gate
		}
		return nil
	})
}

// A handler that blocks in the author's own code holds up its own task, and no other;
// the kit goes on.
func TestAHandlerThatBlocks(t *testing.T) {
	t.Parallel()
	m := &blocker{reached: make(chan string), gate: make(chan struct{})}
	kit := clustertest.Start(t, m, clustertest.Config{})
	var blocks, passes string
	for blocks = range clustertest.RecordsForTask(kit, m.Words, 0, func(i int) string { return string(rune('a' + i)) }) {
		break
	}
	p := clustertest.Begin(kit, m.Words, blocks)
	<-m.reached
	for id := 1; id < kit.Tasks(); id++ {
		kit.Crash(kit.Status()[id].Task)
	}
	hold := kit.Hold(m.Words, 1)
	for passes = range clustertest.RecordsForTask(kit, m.Words, 1, func(i int) string { return "x" + string(rune('a'+i)) }) {
		break
	}
	other := clustertest.Begin(kit, m.Words, passes)
	hold.Await(1)
	hold.Release()
	<-m.reached
	close(m.gate)
	for _, p := range []*clustertest.Pending{p, other} {
		if _, err := p.Await(); err != nil {
			t.Error(err)
		}
	}
	kit.Settle()
}

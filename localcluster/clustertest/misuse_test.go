package clustertest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// failing is a T whose failure is what a test is about.
type failing struct {
	t        *testing.T
	cleanups []func()
}

type fatal string

func (f *failing) Helper()                           {}
func (f *failing) Context() context.Context          { return f.t.Context() }
func (f *failing) Cleanup(do func())                 { f.cleanups = append(f.cleanups, do) }
func (f *failing) Errorf(format string, args ...any) { f.t.Errorf(format, args...) }
func (f *failing) Fatalf(format string, args ...any) { panic(fatal(fmt.Sprintf(format, args...))) }

func (f *failing) end() {
	for i := len(f.cleanups) - 1; i >= 0; i-- {
		f.cleanups[i]()
	}
}

// why is what a test that does something fails with.
func why(do func()) (text string) {
	defer func() {
		if p, ok := recover().(fatal); ok {
			text = string(p)
		}
	}()
	do()
	return "(nothing)"
}

// What a kit cannot do fails the test with the reason and what to do.
func TestWhatFailsATest(t *testing.T) {
	t.Parallel()
	f := &failing{t: t}
	defer f.end()
	bank, m := &Bank{}, &spread{}
	kit := clustertest.Start(f, bank, clustertest.Config{Patience: time.Millisecond})
	random := clustertest.Start(f, m, clustertest.Config{Cluster: kit.Cluster()})
	other := &stumbler{}
	hold := kit.Hold(bank.deposit, 1)
	for _, c := range []struct {
		name, want string
		do         func()
	}{
		{"a step that there is not", "module Bank has no handler for module.HandlerName step bank/depositt; it has source bank/transfers, step bank/deposit", func() {
			kit.Hold(clustertest.Step("bank", "depositt"))
		}},
		{"a handle that is not declared", "module Bank has no handler for module.Step[", func() { kit.Hold(other.end) }},
		{"a depot of another module", "module Bank has no handler for module.Depot[", func() { kit.CrashAt(clustertest.AfterCommit, m.Words) }},
		{"a task that there is not", "module Bank has no task 4; it has 0 to 3", func() { kit.Hold(bank.Transfers, 4) }},
		{"a hold twice", "step bank/deposit is held already", func() { kit.Hold(bank.deposit) }},
		{"settling under a hold", "Settle while 1 holds stand", func() { kit.Settle() }},
		{"a point that there is not", "there is no crash point 0", func() { kit.CrashAt(0, bank.deposit) }},
		{"waiting for what does not come", "1 events at the hold of step bank/deposit, which did not come:\n  task 0: 0 events queued", func() { hold.Await(1) }},
		{"waiting for a crash that does not come", "for a crash of task 2 after the commit of step bank/deposit, and the task's new owner, which did not", func() {
			kit.CrashAt(clustertest.AfterCommit, bank.deposit, 2).Await()
		}},
		{"keys of a PState that is not declared", "the PState is not declared", func() { clustertest.KeysForTask(kit, other.Ends, 0) }},
		{"keys for a task that there is not", "there is no task -1 of 4", func() { clustertest.KeysForTask(kit, bank.Balances, task.None) }},
		{"records of a random depot", "records for task 1: the depot spreads its records at random", func() {
			for range clustertest.RecordsForTask(random, m.Words, 1, func(int) string { return "w" }) {
				break
			}
		}},
		{"records of another module's depot", "the depot is of another module", func() {
			for range clustertest.RecordsForTask(kit, m.Words, 1, func(int) string { return "w" }) {
				break
			}
		}},
		{"a clock and a cluster", "the cluster has a clock of its own", func() {
			clustertest.Start(f, bank, clustertest.Config{Cluster: kit.Cluster(), Clock: localcluster.NewClock(time.Now())})
		}},
		{"a module with mistakes", `declared twice`, func() { clustertest.Start(f, &twice{}, clustertest.Config{}) }},
	} {
		if got := why(c.do); !strings.Contains(got, c.want) {
			t.Errorf("%s: fails with %q, want %q", c.name, got, c.want)
		}
	}
}

// twice declares one depot twice.
type twice struct{ A, B module.Depot[string] }

func (m *twice) Define(b *module.Builder) {
	module.RandomDepot(b, &m.A, "words")
	module.RandomDepot(b, &m.B, "words")
}

// A task that halts fails whoever waits, at once.
func TestATaskThatHalts(t *testing.T) {
	t.Parallel()
	f := &failing{t: t}
	defer f.end()
	clock := localcluster.NewClock(time.Now())
	bank := &Bank{}
	kit := clustertest.Start(f, bank, clustertest.Config{Clock: clock, Tasks: 1})
	if _, err := bank.Transfers.Append(t.Context(), kit, Transfer{1, "a", "b", 1}); err != nil {
		t.Fatal(err)
	}
	log := kit.Cluster().Log().(interface{ Recreate(topic string) error })
	if err := log.Recreate("coppice.Bank.transfers"); err != nil {
		t.Fatal(err)
	}
	_ = why(func() { kit.Crash(0) }) // halts at once, or soon
	for range 2 {
		clustertest.Begin(kit, bank.Transfers, Transfer{2, "a", "b", 1})
	}
	if _, err := bank.Transfers.Append(t.Context(), kit, Transfer{3, "a", "b", 1}); !errors.Is(err, client.ErrUnknown) {
		t.Errorf("an append says %v", err)
	}
	if got := why(func() { kit.Settle() }); !strings.Contains(got, "waited for the module to come to rest: task 0 has halted: ") {
		t.Errorf("Settle fails with %q", got)
	}
}

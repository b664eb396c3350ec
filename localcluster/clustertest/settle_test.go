package clustertest_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// stumbler fails each record as often as it says, and then counts it on another task.
type stumbler struct {
	options []module.StreamOption

	Falls module.Depot[int]
	Ends  pstate.Map[int, int]
	end   module.Step[int]
}

func (m *stumbler) Define(b *module.Builder) {
	module.HashDepot(b, &m.Falls, "falls", func(n int) int { return n })
	s := b.Stream("stumbler", m.options...)
	s.PState(&m.Ends, "ends")
	module.DeclareStep(s, &m.end, "end", module.At(&m.Ends, func(n int) int { return n + 1 }), func(ev *module.Event, n int) error {
		if ev.Attempt() <= n {
			return errors.New("not yet")
		}
		m.Ends.Key(n+1).Update(ev, func(n int) int { return n + 1 })
		return nil
	})
	module.DeclareSource(s, m.Falls, func(ev *module.Event, n int) error {
		m.end.Send(ev, n)
		return nil
	}, module.MaxAttempts(3))
}

// Settle waits for records that fail until they succeed or are parked, and so does an
// append through the kit.
func TestSettleWaitsForRetries(t *testing.T) {
	t.Parallel()
	m := &stumbler{}
	kit := clustertest.Start(t, m, clustertest.Config{Workers: 2})
	recording := kit.Record()
	for n := range 6 {
		if _, err := m.Falls.Append(t.Context(), kit, n, module.Wait(module.AckAppend)); err != nil {
			t.Fatal(err)
		}
	}
	kit.Settle()
	kit.Settle() // again is at once
	for n := range 6 {
		want := 1
		if n >= 3 {
			want = 0 // parked
		}
		if got, err := m.Ends.Key(n + 1).Get(kit); got != want || err != nil {
			t.Errorf("record %d ended %d times, want %d: %v", n, got, want, err)
		}
	}
	if c := recording.Counts(); c.Done != 3 || c.Parked != 3 {
		t.Errorf("recorded %v", c)
	}
	if _, err := m.Falls.Append(t.Context(), kit, 2); err != nil {
		t.Errorf("a record that succeeds with its third attempt: %v", err)
	}
	var failed *client.FailedError
	if _, err := m.Falls.Append(t.Context(), kit, 7); !errors.As(err, &failed) || !failed.Parked {
		t.Errorf("a record that is parked: %v", err)
	}
	if _, err := m.Falls.Append(t.Context(), kit.Client(), 1); !errors.As(err, &failed) || !failed.WillRetry {
		t.Errorf("the client waits for the first failure alone: %v", err)
	}
	kit.Settle()
}

// An append at the limit of records under way waits until its record had its turn.
func TestAnAppendAtTheLimitWaits(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{Tasks: 1, Options: runtime.Options{MaxExecutingPerTask: 1}})
	hold := kit.Hold(bank.deposit)
	first := clustertest.Begin(kit, bank.Transfers, Transfer{1, "a", "b", 1})
	hold.Await(1)
	second := clustertest.Begin(kit, bank.Transfers, Transfer{2, "a", "b", 1})
	if _, err := kit.Client().Await(t.Context(), second.Place); !errors.Is(err, client.ErrThrottled) {
		t.Errorf("the client is told %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := second.Await()
		done <- err
	}()
	hold.Release()
	if _, err := first.Await(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Status counts what waits on each task.
func TestStatus(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{})
	a := clustertest.KeyPerTask(kit, bank.Balances)
	hold := kit.Hold(bank.deposit, 3)
	for id := range 4 {
		clustertest.Begin(kit, bank.Transfers, Transfer{id, a[1], a[3], 1})
	}
	hold.Await(4)
	kit.AwaitStatus("four transfers whose deposits wait", func(s []runtime.Status) bool {
		return s[1].Pending == 4 && s[1].Trees == 4 && s[1].Queued == 0 && s[3].Queued == 4 && s[3].Pending == 0 && s[0].AtRest() && !s[3].AtRest()
	})
	hold.Release()
	kit.Settle()
	for _, s := range kit.Status() {
		if !s.AtRest() || s.Task == 1 && s.Sources[0].Next != 4 {
			t.Error(&s)
		}
	}
}

// Keys and records of a task are where they say.
func TestWhereThingsLie(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{Tasks: 3, Workers: 3})
	other := &stumbler{}
	second := clustertest.Start(t, other, clustertest.Config{Tasks: 5, Cluster: kit.Cluster()})
	for id, account := range clustertest.KeyPerTask(kit, bank.Balances) {
		recording := kit.Record()
		n := 0
		for transfer := range clustertest.RecordsForTask(kit, bank.Transfers, kit.Status()[id].Task, func(i int) Transfer {
			return Transfer{i, "from" + strconv.Itoa(i), account, 1}
		}) {
			if _, err := bank.Transfers.Append(t.Context(), kit, transfer); err != nil {
				t.Fatal(err)
			}
			if n++; n == 2 {
				break
			}
		}
		for _, e := range recording.Events() {
			if int(e.Task) != id {
				t.Errorf("%s ran on task %d, want %d", e.Step, e.Task, id)
			}
		}
		recording.Stop()
		if got, err := bank.Balances.Key(account).Get(kit.Client().AtTask(t.Context(), kit.Status()[id].Task)); got != 2 || err != nil {
			t.Errorf("task %d has %d of account %s: %v", id, got, account, err)
		}
	}
	n := 0
	for key := range clustertest.KeysForTask(second, other.Ends, 4) {
		if _, err := other.Falls.Append(t.Context(), second, key-1); err != nil && !errors.Is(err, client.ErrFailed) {
			t.Fatal(err)
		}
		if n++; n == 3 {
			break
		}
	}
	second.Settle()
}

// spread is a module whose records begin anywhere.
type spread struct {
	Words module.Depot[string]
	Tasks pstate.Map[string, int]
}

func (m *spread) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Words, "words")
	s := b.Stream("spread")
	s.PState(&m.Tasks, "tasks")
	module.DeclareSource(s, m.Words, func(ev *module.Event, v string) error {
		m.Tasks.Key(v).Set(ev, int(ev.Task())+1)
		return nil
	})
}

// A record of a random depot begins where the test says.
func TestOnTask(t *testing.T) {
	t.Parallel()
	m := &spread{}
	kit := clustertest.Start(t, m, clustertest.Config{})
	for _, s := range kit.Status() {
		if _, err := m.Words.Append(t.Context(), kit.OnTask(s.Task), "w"); err != nil {
			t.Fatal(err)
		}
		if n, err := m.Tasks.Key("w").Get(kit.Client().AtTask(t.Context(), s.Task)); n != int(s.Task)+1 || err != nil {
			t.Errorf("task %d has seen the word on task %d: %v", s.Task, n-1, err)
		}
	}
}

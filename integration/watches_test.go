package integration

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/memtransport"
)

// ledger keeps what was booked, by number.
type ledger struct {
	name   string
	Book   module.Depot[int]
	Booked pstate.MapOf[string, pstate.SortedMap[int, int]]
	Sum    pstate.Map[string, int]
}

func (m *ledger) ModuleName() string { return m.name }

func (m *ledger) Define(b *module.Builder) {
	module.HashDepot(b, &m.Book, "book", func(int) string { return "all" })
	s := b.Stream("book")
	s.PState(&m.Booked, "booked")
	s.PState(&m.Sum, "sum")
	module.DeclareSource(s, m.Book, func(ev *module.Event, n int) error {
		m.Booked.Key("all").Key(n).Set(ev, n)
		m.Sum.Key("all").Update(ev, func(sum int) int { return sum + n })
		return nil
	})
}

func launchLedger(t *testing.T, c *localcluster.Cluster) *ledger {
	t.Helper()
	m := &ledger{name: unique("Ledger")}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
		t.Fatal(err)
	}
	return m
}

// Appends that are begun one after another lie in the depot in that order, and each is
// told how it ended.
func TestAppendsThatAreBegun(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := launchLedger(t, c)
		var begun []*module.Pending
		const n = 200
		for i := range n {
			begun = append(begun, m.Book.Start(t.Context(), c.Client(), i))
		}
		for i, p := range begun {
			if _, err := p.Wait(t.Context()); err != nil {
				t.Fatalf("append %d: %v", i, err)
			}
			select {
			case <-p.Done():
			default:
				t.Fatal("it has an outcome, and is not done")
			}
		}
		sum, err := m.Sum.Key("all").Get(c.Client().At(t.Context()))
		if err != nil || sum != n*(n-1)/2 {
			t.Errorf("the sum is %d, %v", sum, err)
		}
		all, err := c.Client().Progress(t.Context(), m.name, "")
		if err != nil || len(all) != 2 {
			t.Fatalf("progress %+v, %v", all, err)
		}
		if end := all[0].End + all[1].End; end != n {
			t.Errorf("the depot ends at %d, want %d", end, n)
		}
		var none ledger
		if _, err := none.Book.Start(t.Context(), c.Client(), 1).Wait(t.Context()); !errors.Is(err, module.ErrUndeclared) {
			t.Errorf("a handle that is not declared: %v", err)
		}
	})
}

// A watch of a key, of a range and of a whole PState gives what holds at first, and what
// holds after the last commit, each with its commit; values only grow here, so that
// nothing comes twice and nothing old behind something new.
func TestWatches(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := launchLedger(t, c)
		const n = 50
		key := func(r pstate.Reader) (int, error) { return m.Sum.Key("all").Get(r) }
		part := func(r pstate.Reader) ([]int, error) {
			return nav.SelectAll(r, nav.MapVals(nav.MapRange(nav.From(m.Booked.Key("all")), n-5, n)))
		}
		ends := make(chan error, 3)
		go func() {
			ends <- until(client.Watch(t.Context(), c.Client(), client.WatchOptions{Period: time.Millisecond}, key), func(a, b int) bool { return a < b }, func(v int) bool { return v == n*(n-1)/2 })
		}()
		go func() {
			ends <- until(client.Watch(t.Context(), c.Client(), client.WatchOptions{Period: time.Millisecond}, part), func(a, b []int) bool { return len(a) < len(b) }, func(v []int) bool { return slices.Equal(v, []int{45, 46, 47, 48, 49}) })
		}()
		go func() {
			whole := c.Client().WatchSelection(t.Context(), client.Selection{Module: m.name, PState: "booked", Path: `vals.entries`}, client.WatchOptions{Period: time.Millisecond})
			ends <- func() error {
				seen := 0
				for change, err := range whole {
					if err != nil {
						return err
					}
					if seen += len(change.Added); len(change.Removed) > 0 || seen != len(change.Values) || len(change.Commits) != 2 {
						return errors.New("a change does not fit what came before")
					}
					if seen == n {
						return nil
					}
				}
				return errors.New("the watch ended")
			}()
		}()
		for i := range n {
			if _, err := m.Book.Append(t.Context(), c.Client(), i); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if err := <-ends; err != nil {
				t.Error(err)
			}
		}
	})
}

// until goes through a watch whose values grow, up to the last one.
func until[T any](all iter.Seq2[client.Change[T], error], grows func(a, b T) bool, last func(T) bool) error {
	var before client.Change[T]
	for change, err := range all {
		switch {
		case err != nil:
			return err
		case len(change.Commits) != 1:
			return errors.New("a change of one task has not one commit")
		case before.Commits != nil && !grows(before.Value, change.Value):
			return errors.New("the watch gave something old behind something new, or the same twice")
		case last(change.Value):
			return nil
		}
		before = change
	}
	return errors.New("the watch ended")
}

// flakyStore does not answer reads while it is told so.
type flakyStore struct {
	store.Store
	away atomic.Bool
	lost atomic.Int64 // reads
}

var errAway = errors.New("the store is away")

func (s *flakyStore) Read(ctx context.Context, slot store.Slot, reads []store.Read) (task.Head, error) {
	if s.away.Load() {
		s.lost.Add(1)
		return task.Head{}, errAway
	}
	return s.Store.Read(ctx, slot, reads)
}

// A watch goes on where the store did not answer, and where the task has another owner, and
// tells what was committed meanwhile.
func TestWatchesGoOn(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := launchLedger(t, c)
		flaky := &flakyStore{Store: c.Store()}
		watcher, err := client.New(client.Config{Log: c.Log(), Store: flaky, Network: memtransport.New()})
		if err != nil {
			t.Fatal(err)
		}
		defer watcher.Close()
		book := func(n int) {
			if _, err := m.Book.Append(t.Context(), c.Client(), n); err != nil {
				t.Fatal(err)
			}
		}
		step := 0
		for change, err := range watcher.WatchSelection(t.Context(), client.Selection{Module: m.name, PState: "sum", Path: `key("all")`}, client.WatchOptions{Period: time.Millisecond}) {
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"null", "1", "3", "6"}[step]
			if got := string(change.Values[0]); got != want {
				t.Fatalf("change %d is %s, want %s", step, got, want)
			}
			switch step {
			case 0:
				book(1)
			case 1:
				flaky.away.Store(true)
				book(2)
				go func() {
					for flaky.lost.Load() < 3 {
						runtime.Gosched()
					}
					flaky.away.Store(false)
				}()
			case 2:
				if _, err := c.AddWorker(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				book(3)
			case 3:
				return
			}
			step++
		}
		t.Fatal("the watch ended")
	})
}

// A watch that cannot be is told at once; one that reads nothing, too.
func TestWrongWatches(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := launchLedger(t, c)
		for _, err := range client.Watch(t.Context(), c.Client(), client.WatchOptions{}, func(pstate.Reader) (int, error) { return 1, nil }) {
			if !errors.Is(err, client.ErrReadsNothing) {
				t.Errorf("a watch of nothing: %v", err)
			}
		}
		for _, err := range c.Client().WatchSelection(t.Context(), client.Selection{Module: m.name, PState: "sum", Path: `key(1)`}, client.WatchOptions{}) {
			if !errors.Is(err, client.ErrWrongType) {
				t.Errorf("a watch of a key of another type: %v", err)
			}
		}
		for change, err := range client.WatchTask(t.Context(), c.Client(), 1, client.WatchOptions{}, func(r pstate.Reader) (int, error) { return m.Booked.Len(r) }) {
			if _, ok := change.Commits[task.ID(1)]; err != nil || !ok {
				t.Errorf("a watch of a task: %+v, %v", change, err)
			}
			break
		}
	})
}

package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// modes is a module whose handlers are the test's: a root event on one task and a
// leaf on the task that the record names.
type modes struct {
	name    string
	options []module.SourceOption
	root    func(ev *module.Event, v int) error
	leaf    func(ev *module.Event, v int) error

	Numbers module.Depot[int]
	Roots   pstate.Map[int, int]
	Leaves  pstate.Map[int, int]
	step    module.Step[int]
}

func (m *modes) ModuleName() string { return m.name }

func (m *modes) Define(b *module.Builder) {
	module.GlobalDepot(b, &m.Numbers, "numbers")
	s := b.Stream("modes")
	s.PState(&m.Roots, "roots")
	s.PState(&m.Leaves, "leaves")
	module.DeclareStep(s, &m.step, "leaf", module.Custom(func(v, tasks int) int { return v % tasks }), func(ev *module.Event, v int) error {
		if err := m.leaf(ev, v); err != nil {
			return err
		}
		m.Leaves.Key(v).Update(ev, func(n int) int { return n + 1 })
		return nil
	})
	module.DeclareSource(s, m.Numbers, func(ev *module.Event, v int) error {
		if err := m.root(ev, v); err != nil {
			return err
		}
		m.Roots.Key(v).Update(ev, func(n int) int { return n + 1 })
		m.step.Send(ev, v)
		return nil
	}, m.options...)
}

func fine(*module.Event, int) error { return nil }

// runs notes who ran, in order.
type runs struct {
	mu  sync.Mutex
	all []string
}

func (r *runs) add(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, text)
}

func (r *runs) of(prefix string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.all), func(s string) bool { return !strings.HasPrefix(s, prefix) })
}

var errOnPurpose = errors.New("on purpose")

func (m *modes) launch(t *testing.T, c *localcluster.Cluster, options runtime.Options) {
	t.Helper()
	m.name = unique("Modes")
	if m.root == nil {
		m.root = fine
	}
	if m.leaf == nil {
		m.leaf = fine
	}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Workers: 2, Options: options}); err != nil {
		t.Fatal(err)
	}
}

func (m *modes) append(t *testing.T, c *localcluster.Cluster, v int) error {
	t.Helper()
	_, err := m.Numbers.Append(t.Context(), c.Client(), v)
	return err
}

// promise 3.53 promise 3.59 promise 3.104: what a source without retries fails is
// dropped, at the root and behind a hop; the appender hears of it at once, the
// other records go on.
func TestRetryNone(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		var r runs
		m := &modes{options: []module.SourceOption{module.RetryNone()}}
		m.root = func(ev *module.Event, v int) error {
			r.add(fmt.Sprintf("root %d attempt %d", v, ev.Attempt()))
			if v == 1 {
				return errOnPurpose
			}
			return nil
		}
		m.leaf = func(ev *module.Event, v int) error {
			r.add(fmt.Sprintf("leaf %d attempt %d", v, ev.Attempt()))
			if v == 2 {
				panic("on purpose")
			}
			return nil
		}
		m.launch(t, c, runtime.Options{AckFailureOnRetryOnly: true})
		for v := range 4 {
			err := m.append(t, c, v)
			var failed *client.FailedError
			if dropped := v == 1 || v == 2; !dropped {
				if err != nil {
					t.Errorf("record %d: %v", v, err)
				}
			} else if !errors.As(err, &failed) || failed.WillRetry || failed.Parked || !strings.Contains(err.Error(), "dropped") {
				t.Errorf("record %d failed, and its append says %v", v, err)
			}
		}
		want := []string{"root 0 attempt 1", "leaf 0 attempt 1", "root 1 attempt 1", "root 2 attempt 1", "leaf 2 attempt 1", "root 3 attempt 1", "leaf 3 attempt 1"}
		if got := r.of(""); !slices.Equal(got, want) {
			t.Errorf("ran %q, want %q", got, want)
		}
	})
}

// promise 3.60: when record 2 fails, record 3, which had succeeded, runs again
// after it; record 1 does not.
func TestRetryAllAfter(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		var r runs
		third := make(chan struct{})
		m := &modes{options: []module.SourceOption{module.RetryAllAfter()}}
		m.leaf = func(ev *module.Event, v int) error {
			if v == 2 && ev.Attempt() == 1 {
				<-third
				return errOnPurpose
			}
			r.add(fmt.Sprintf("leaf %d", v))
			return nil
		}
		m.launch(t, c, runtime.Options{})
		if err := m.append(t, c, 1); err != nil {
			t.Fatal(err)
		}
		second := make(chan error, 1)
		ctx := t.Context()
		if _, err := m.Numbers.Append(ctx, c.Client(), 2, module.Wait(module.AckAppend)); err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := c.Client().Await(ctx, client.Place{Module: m.name, Depot: "numbers", Offset: 1})
			second <- err
		}()
		if err := m.append(t, c, 3); err != nil {
			t.Fatal(err)
		}
		close(third)
		if err := <-second; !errors.Is(err, client.ErrFailed) {
			t.Errorf("the failed record's append says %v", err)
		}
		if err := m.append(t, c, 5); err != nil { // runs behind all that run again
			t.Fatal(err)
		}
		for offset := range int64(3) {
			if _, err := c.Client().Await(ctx, client.Place{Module: m.name, Depot: "numbers", Offset: offset}); err != nil {
				t.Errorf("offset %d: %v", offset, err)
			}
		}
		for leaf, want := range map[string]int{"leaf 1": 1, "leaf 2": 1, "leaf 3": 2, "leaf 5": 1} {
			if got := len(r.of(leaf)); got != want {
				t.Errorf("%s succeeded %d times, want %d (%q)", leaf, got, want, r.of(""))
			}
		}
	})
}

// R20 promise 3.52: a record that fails as often as it may is parked, and its
// appender is told.
func TestMaxAttempts(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		for _, mode := range []module.SourceOption{module.SourceID("numbers"), module.RetryAllAfter()} {
			var r runs
			m := &modes{options: []module.SourceOption{mode, module.MaxAttempts(3)}}
			m.leaf = func(ev *module.Event, v int) error {
				r.add(fmt.Sprintf("%d attempt %d", v, ev.Attempt()))
				if v == 7 {
					return errOnPurpose
				}
				return nil
			}
			m.launch(t, c, runtime.Options{AckFailureOnRetryOnly: true})
			var failed *client.FailedError
			if err := m.append(t, c, 7); !errors.As(err, &failed) || !failed.Parked || failed.Attempt != 3 {
				t.Errorf("the append says %v, want that it is parked after 3 attempts", err)
			}
			if want := []string{"7 attempt 1", "7 attempt 2", "7 attempt 3"}; !slices.Equal(r.of("7"), want) {
				t.Errorf("ran %q, want %q", r.of("7"), want)
			}
			if err := m.append(t, c, 8); err != nil {
				t.Errorf("the next record: %v", err)
			}
		}
	})
}

// promise 3.85, promise 3.86, promise 3.88, promise 3.89, promise 3.87: beyond the limit of records under way
// an acked append is told at once that the record is in the depot and waits; it
// runs when there is room.
func TestThrottle(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		begun, release := make(chan struct{}), make(chan struct{})
		m := &modes{}
		m.leaf = func(ev *module.Event, v int) error {
			if v == 1 {
				close(begun)
				<-release
			}
			return nil
		}
		m.launch(t, c, runtime.Options{MaxExecutingPerTask: 1})
		first := make(chan error, 1)
		go func() { first <- m.append(t, c, 1) }()
		<-begun
		var throttled *client.ThrottledError
		err := m.append(t, c, 2)
		if !errors.As(err, &throttled) || throttled.Place.Offset != 1 {
			t.Fatalf("an append at the limit says %v", err)
		}
		close(release)
		if err := <-first; err != nil {
			t.Errorf("the record under way: %v", err)
		}
		if err := awaitDone(t.Context(), c, throttled.Place); err != nil {
			t.Errorf("the throttled record: %v", err)
		}
	})
}

// awaitDone waits for a record, through being throttled.
func awaitDone(ctx context.Context, c *localcluster.Cluster, place client.Place) error {
	for {
		_, err := c.Client().Await(ctx, place)
		if !errors.Is(err, client.ErrThrottled) {
			return err
		}
	}
}

// promise 3.90: at the limit a source without retries skips records, and says so.
func TestRetryNoneSkipsAtTheLimit(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		var r runs
		begun, release := make(chan struct{}), make(chan struct{})
		m := &modes{options: []module.SourceOption{module.RetryNone()}}
		m.leaf = func(ev *module.Event, v int) error {
			r.add(fmt.Sprint(v))
			if v == 1 {
				close(begun)
				<-release
			}
			return nil
		}
		m.launch(t, c, runtime.Options{MaxExecutingPerTask: 1})
		first := make(chan error, 1)
		go func() { first <- m.append(t, c, 1) }()
		<-begun
		if err := m.append(t, c, 2); !errors.Is(err, client.ErrFailed) {
			t.Errorf("a skipped append says %v", err)
		}
		close(release)
		if err := <-first; err != nil {
			t.Error(err)
		}
		if err := m.append(t, c, 3); err != nil {
			t.Error(err)
		}
		if got := r.of(""); !slices.Equal(got, []string{"1", "3"}) {
			t.Errorf("ran %q, want records 1 and 3", got)
		}
	})
}

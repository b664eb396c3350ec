package localcluster_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/transport"
)

// asked is a module of queries.
type asked struct {
	Numbers module.Depot[int]
	Values  pstate.Map[int, int]

	Sum       module.Query[[]int, int]
	ByTask    module.Query[struct{}, []int]
	Fibonacci module.Query[int, int]
	Forever   module.Query[int, int]
	Bad       module.Query[string, string]
	Slow      module.Query[int, int]
	Large     module.Query[int, string]
	Parallel  module.Query[int, int]
}

func (m *asked) Define(b *module.Builder) {
	module.HashDepot(b, &m.Numbers, "numbers", func(n int) int { return n })
	s := b.Stream("s")
	s.PState(&m.Values, "values")
	module.DeclareSource(s, m.Numbers, func(ev *module.Event, n int) error {
		m.Values.Key(n).Set(ev, 10*n)
		return nil
	})
	module.DeclareQuery(b, &m.Sum, "sum", func(q *module.Asked, keys []int) (int, error) {
		values, err := module.Each(q, keys, func(q *module.Asked, k int) (int, error) { return m.Values.Key(k).Get(q) })
		return module.Gather(values, 0, func(sum, v int) int { return sum + v }), err
	})
	module.DeclareQuery(b, &m.ByTask, "byTask", func(q *module.Asked, _ struct{}) ([]int, error) {
		return module.EachTask(q, func(q *module.Asked, _ module.TaskID) (int, error) { return m.Values.Len(q) })
	})
	module.DeclareQuery(b, &m.Fibonacci, "fibonacci", func(q *module.Asked, n int) (int, error) {
		if n < 2 {
			return n, nil
		}
		parts, err := module.Each(q, []int{n - 1, n - 2}, m.Fibonacci.Within)
		return module.Gather(parts, 0, func(sum, v int) int { return sum + v }), err
	})
	module.DeclareQuery(b, &m.Forever, "forever", func(q *module.Asked, n int) (int, error) { return m.Forever.Within(q, n+1) })
	module.DeclareQuery(b, &m.Bad, "bad", func(q *module.Asked, how string) (string, error) {
		switch how {
		case "error":
			return "", errors.New("no such thing")
		case "panic":
			panic("it broke")
		}
		_, err := module.Each(q, []string{"a", "b", "c"}, func(*module.Asked, string) (int, error) { panic("a part broke") })
		return "", err
	})
	module.DeclareQuery(b, &m.Slow, "slow", func(q *module.Asked, _ int) (int, error) {
		<-q.Context().Done()
		return 0, q.Context().Err()
	}, module.QueryTimeout(time.Millisecond))
	module.DeclareQuery(b, &m.Large, "large", func(_ *module.Asked, n int) (string, error) { return strings.Repeat("x", n), nil })
	module.DeclareQuery(b, &m.Parallel, "parallel", func(q *module.Asked, n int) (int, error) {
		var now, most atomic.Int64
		_, err := module.Each(q, make([]int, n), func(q *module.Asked, _ int) (int, error) {
			for at := now.Add(1); ; {
				was := most.Load()
				if at <= was || most.CompareAndSwap(was, at) {
					break
				}
			}
			defer now.Add(-1)
			return m.Values.Key(1).Get(q)
		})
		return int(most.Load()), err
	})
}

func askedCluster(t *testing.T) (*localcluster.Cluster, *asked) {
	t.Helper()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	m := &asked{}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Workers: 2}); err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		if _, err := m.Numbers.Append(t.Context(), c.Client(), n); err != nil {
			t.Fatal(err)
		}
	}
	return c, m
}

// A query reads many keys and tasks at once, on whatever worker it runs, and may ask
// queries, also itself.
func TestQueries(t *testing.T) {
	t.Parallel()
	c, m := askedCluster(t)
	for range 4 { // at each of the workers
		if n, err := m.Sum.Ask(t.Context(), c.Client(), []int{1, 2, 3, 99}); n != 60 || err != nil {
			t.Errorf("sum: %d, %v", n, err)
		}
		counts, err := m.ByTask.Ask(t.Context(), c.Client(), struct{}{})
		total := 0
		for _, n := range counts {
			total += n
		}
		if len(counts) != 4 || total != 20 || slices.Contains(counts, 20) || err != nil {
			t.Errorf("by task: %v, %v", counts, err)
		}
	}
	if n, err := m.Fibonacci.Ask(t.Context(), c.Client(), 15); n != 610 || err != nil {
		t.Errorf("fibonacci: %d, %v", n, err)
	}
	if n, err := m.Parallel.Ask(t.Context(), c.Client(), 500); n > 33 || err != nil {
		t.Errorf("%d parts ran at a time, want 32 and the one that asks at most; %v", n, err)
	}
}

// What goes wrong with a query has a type, and says what to do.
func TestQueriesThatFail(t *testing.T) {
	t.Parallel()
	c, m := askedCluster(t)
	ask := func(query, argument string) error {
		_, err := c.Client().SendQuestion(t.Context(), module.Question{Module: "asked", Query: query, Argument: []byte(argument)})
		return err
	}
	for _, f := range []struct {
		query, argument string
		class           error
		says            string
	}{
		{"bad", `"error"`, client.ErrQueryFailed, "no such thing"},
		{"bad", `"panic"`, client.ErrQueryFailed, "it broke"},
		{"bad", `"part"`, client.ErrQueryFailed, "a part broke"},
		{"forever", "0", client.ErrQueryFailed, "100 queries deep"},
		{"slow", "0", client.ErrQueryLate, "QueryTimeout"},
		{"large", "5000000", client.ErrQueryTooLarge, "in pages"},
		{"sum", `"no"`, client.ErrArgument, "the argument is no []int"},
		{"nothing", "0", client.ErrNoQuery, "the module has sum, byTask, fibonacci"},
	} {
		var failed *client.QueryError
		err := ask(f.query, f.argument)
		if !errors.Is(err, f.class) || !errors.As(err, &failed) || failed.Query != f.query || !strings.Contains(err.Error(), f.says) {
			t.Errorf("%s(%s): %v, want %v that says %q", f.query, f.argument, err, f.class, f.says)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Sum.Ask(ctx, c.Client(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("asked with a context that is over: %v", err)
	}
	var undeclared module.Query[int, int]
	if _, err := undeclared.Ask(t.Context(), c.Client(), 1); !errors.Is(err, module.ErrUndeclared) {
		t.Errorf("a query that was never declared: %v", err)
	}
}

// A client that knows the workers which there were finds those that there are.
func TestQueriesFollowTheTasks(t *testing.T) {
	t.Parallel()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	m := &asked{}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4}); err != nil {
		t.Fatal(err)
	}
	ask := func() {
		t.Helper()
		if _, err := m.ByTask.Ask(t.Context(), c.Client(), struct{}{}); err != nil {
			t.Error(err)
		}
	}
	other, err := c.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	for range 4 { // each task's owner is known then
		ask()
	}
	for range 4 {
		if _, err := m.ByTask.Ask(t.Context(), other, struct{}{}); err != nil {
			t.Error(err)
		}
	}
	first := c.Workers()[0]
	if _, err := c.AddWorker(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.AppendJSON(t.Context(), client.JSONRecord{Module: "asked", Depot: "numbers", Data: []byte("21")}); err != nil {
		t.Error(err)
	}
	for range 4 {
		ask()
	}
	if err := c.Workers()[1].Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = m.ByTask.Ask(t.Context(), c.Client(), struct{}{})
	if !errors.Is(err, transport.ErrNoListener) && !errors.Is(err, client.ErrNoOwner) {
		t.Errorf("nobody is there: %v", err)
	}
}

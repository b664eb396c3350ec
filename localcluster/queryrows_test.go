package localcluster_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// asking has the queries of market as functions.
type asking struct {
	market
	Mean   module.Query[[]string, string]
	Unmade module.Query[int, int]
}

func (m *asking) Define(b *module.Builder) {
	m.declare(b)
	module.DeclareQuery(b, &m.Groups, "groups", m.mostSold)
	module.DeclareQuery(b, &m.Joined, "joined", m.priced)
	module.DeclareQuery(b, &m.Twice, "twice", m.again)
	module.DeclareQuery(b, &m.Mean, "mean", m.mean)
	module.DeclareQuery(b, &m.Unmade, "unmade", func(q *module.Asked, _ int) (int, error) {
		n, _, err := module.AggregateTasks[int, int](q, nil, func(*module.Asked, module.TaskID, func(int)) error { return nil })
		return n, err
	})
}

// pieces adds what was sold of a fruit.
func (m *asking) pieces(part *module.Asked, fruit string, add func(int)) error {
	for n, err := range m.Sold.Key(fruit).Range(part, pstate.All[int]()) {
		if err != nil {
			return err
		}
		add(n.Val)
	}
	return nil
}

// each adds what was sold on a task.
func (m *asking) each(part *module.Asked, _ module.TaskID, add func(string, int)) error {
	for fruit, err := range m.Sold.Range(part, pstate.All[string]()) {
		if err != nil {
			return err
		}
		if err := m.pieces(part, fruit, func(n int) { add(fruit, n) }); err != nil {
			return err
		}
	}
	return nil
}

func (m *asking) mostSold(q *module.Asked, least int) ([]string, error) {
	sums, err := module.GroupTasks(q, agg.Sum[int](), m.each)
	var all []string
	for _, s := range sums {
		if s.Val >= least {
			all = append(all, fmt.Sprintf("%03d %s", s.Val, s.Key))
		}
	}
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(b, a) })
	return all, err
}

func (m *asking) priced(q *module.Asked, _ string) ([]string, error) {
	sums, err := module.GroupTasks(q, agg.Sum[int](), m.each)
	if err != nil {
		return nil, err
	}
	prices, err := module.RowsTasks(q, func(part *module.Asked, _ module.TaskID, add func(agg.Pair[string, int])) error {
		for e, err := range m.Prices.Range(part, pstate.All[string]()) {
			if err != nil {
				return err
			}
			add(agg.Pair[string, int]{Key: e.Key, Val: e.Val})
		}
		return nil
	})
	var all []string
	for _, j := range module.JoinRows(sums, prices, module.OuterJoin) {
		all = append(all, fmt.Sprint(j.Key, j.Left, j.HasLeft, j.Right, j.HasRight))
	}
	slices.Sort(all)
	return all, err
}

func (m *asking) again(q *module.Asked, _ struct{}) (int, error) {
	kept, err := module.RowsTasks(q, func(part *module.Asked, id module.TaskID, add func(int)) error {
		return m.each(part, id, func(_ string, n int) { add(n) })
	})
	sum := 0
	for _, factor := range []int{1, 10} {
		for _, n := range kept {
			sum += factor * n
		}
	}
	return sum, err
}

// mean is of some fruits, wherever they are: by an aggregator that does not merge, and by one
// that does.
func (m *asking) mean(q *module.Asked, fruits []string) (string, error) {
	mean, there, err := module.AggregateEach(q, fruits, agg.Avg[int](), m.pieces)
	one := agg.Accumulator[int, []int]{Zero: func() []int { return nil }, Add: func(all []int, n int) []int { return append(all, n) }}
	all, _, rowsErr := module.AggregateEach(q, fruits, one, m.pieces)
	by, groupsErr := module.GroupEach(q, fruits, one, func(part *module.Asked, fruit string, add func(string, int)) error {
		return m.pieces(part, fruit, func(n int) { add(fruit, n) })
	})
	return fmt.Sprint(mean.Value(), there, all, by), cmp.Or(err, rowsErr, groupsErr)
}

// promise 11.19, promise 11.20, promise 11.21, promise 13.05, promise 13.08, promise 13.13: queries that are functions have what the
// batch blocks of those that are flows have, and answer the same.
func TestRowsOfQueries(t *testing.T) {
	t.Parallel()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	m := &asking{}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Workers: 2}); err != nil {
		t.Fatal(err)
	}
	m.sell(t, c)
	if got, err := m.Groups.Ask(t.Context(), c.Client(), 2); !slices.Equal(got, []string{"020 kiwi", "007 fig"}) || err != nil {
		t.Errorf("groups: %v, %v", got, err)
	}
	if got, err := m.Joined.Ask(t.Context(), c.Client(), ""); !slices.Equal(got, pricedFruits) || err != nil {
		t.Errorf("joined: %q, %v", got, err)
	}
	if n, err := m.Twice.Ask(t.Context(), c.Client(), struct{}{}); n != 11*28 || err != nil {
		t.Errorf("twice: %d, %v", n, err)
	}
	for fruits, want := range map[string]string{"kiwi,fig": "9 true [20 3 4] [{kiwi [20]} {fig [3 4]}]", "grape": "0 true [] []"} {
		if got, err := m.Mean.Ask(t.Context(), c.Client(), strings.Split(fruits, ",")); got != want || err != nil {
			t.Errorf("mean of %s: %s, %v; want %s", fruits, got, err, want)
		}
	}
	if _, err := m.Unmade.Ask(t.Context(), c.Client(), 1); !errors.Is(err, client.ErrQueryFailed) || !strings.Contains(err.Error(), "no aggregator") {
		t.Errorf("no aggregator: %v", err)
	}
}

package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// process appends records and waits until they are processed.
func process[T any](ctx context.Context, c *localcluster.Cluster, m module.Module, topology string, d module.Depot[T], before int, records ...T) error {
	for _, r := range records {
		if _, err := d.Append(ctx, c.Client(), r); err != nil {
			return err
		}
	}
	return c.WaitForMicrobatchProcessedCount(ctx, m, topology, int64(before+len(records)))
}

// PairsDemo adds numbers up, and counts pairs of keys.
func PairsDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Pairs{Name: name}
	return pairsDemo(ctx, c, launch, m, m, out)
}

// PairsFlowDemo does the same with the module as dataflow.
func PairsFlowDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &PairsFlow{Pairs{Name: name}}
	return pairsDemo(ctx, c, launch, m, &m.Pairs, out)
}

func pairsDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, as module.Module, m *Pairs, out io.Writer) error {
	if err := c.Launch(ctx, as, launch); err != nil {
		return err
	}
	all := []Pair{{"a", "b", 1}, {"x", "y", 2}, {"a", "c", 3}, {"x", "y", 1}, {"a", "b", 1}, {"x", "z", 2}, {"x", "y", 1}}
	if err := process(ctx, c, as, "pairs", m.Pairs, 0, all...); err != nil {
		return err
	}
	r := c.Client().At(ctx)
	sum, err := m.Sum.Get(r)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Global sum: %d\n", sum)
	for _, first := range []string{"a", "x"} {
		text, err := entries(r, m.Counts.Key(first))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %s\n", first, text)
	}
	return nil
}

// ShopDemo groups and joins what a shop has sold.
func ShopDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Shop{Name: name}
	return shopDemo(ctx, c, launch, m, m, out)
}

// ShopFlowDemo does the same with the module as dataflow.
func ShopFlowDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &ShopFlow{Shop{Name: name}}
	return shopDemo(ctx, c, launch, m, &m.Shop, out)
}

func shopDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, as module.Module, m *Shop, out io.Writer) error {
	if err := c.Launch(ctx, as, launch); err != nil {
		return err
	}
	all := []Entry{{"apple", 3, 0}, {"banana", 9, 0}, {"apple", 0, 2}, {"apple", 4, 0}, {"cherry", 0, 5}}
	if err := process(ctx, c, as, "shop", m.Days, 0, all); err != nil {
		return err
	}
	r := c.Client().At(ctx)
	var failed error
	show := func(what string, value any, err error) {
		failed = errors.Join(failed, err)
		fmt.Fprintf(out, "%s: %v\n", what, value)
	}
	groups, err := entries(r, m.Groups)
	show("Groups", groups, err)
	priced, err := entries(r, m.Priced)
	show("Joined", priced, err)
	sum, err := m.Sum.Get(r)
	show("Sum", sum, err)
	some, err := m.Some.Get(r)
	show("Limit", len(some), err)
	most, err := m.Most.Get(r)
	show("Most", most, err)
	totals, err := m.Totals.Get(r)
	show("Totals", totals, err)
	sizes, err := m.PerSize.Get(r)
	show("Sales", sizes, err)
	return failed
}

// NumbersDemo limits numbers, and counts words for one microbatch.
func NumbersDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Numbers{Name: name}
	return numbersDemo(ctx, c, launch, m, m, out)
}

// NumbersFlowDemo does the same with the module as dataflow.
func NumbersFlowDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &NumbersFlow{Numbers{Name: name}}
	return numbersDemo(ctx, c, launch, m, &m.Numbers, out)
}

func numbersDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, as module.Module, m *Numbers, out io.Writer) error {
	if err := c.Launch(ctx, as, launch); err != nil {
		return err
	}
	var all []Item
	for _, n := range []int{1, 17, 1003, 2, 1017, 20, 1016, 3} {
		all = append(all, Item{N: n})
	}
	for _, w := range []string{"a", "b", "c", "a", "b", "c", "d"} {
		all = append(all, Item{Word: w})
	}
	if err := process(ctx, c, as, "numbers", m.Items, 0, all); err != nil {
		return err
	}
	r := c.Client().At(ctx)
	for _, shown := range []struct {
		what  string
		value pstate.Value[[]int]
	}{{"Limit", m.Limit}, {"LimitWithOptions", m.Last}, {"Vals", m.Vals}} {
		numbers, err := shown.value.Get(r)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %v\n", shown.what, numbers)
	}
	counts, err := entries(r, m.Counts)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Temporary: %s\n", counts)
	return nil
}

// WordsDemo ranks words, in two microbatches.
func WordsDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Words{Name: name}
	return wordsDemo(ctx, c, launch, m, m, out)
}

// WordsFlowDemo does the same with the module as dataflow.
func WordsFlowDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &WordsFlow{Words{Name: name}}
	return wordsDemo(ctx, c, launch, m, &m.Words, out)
}

func wordsDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, as module.Module, m *Words, out io.Writer) error {
	if err := c.Launch(ctx, as, launch); err != nil {
		return err
	}
	for i, text := range []string{"a b a c a b d", "d d e d b d"} { // one record, one microbatch
		if err := process(ctx, c, as, "words", m.Lines, i, text); err != nil {
			return err
		}
		r := c.Client().At(ctx)
		top, err := m.Top.Get(r)
		if err != nil {
			return err
		}
		latest, err := m.Latest.Get(r)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "Top: %v of now: %v\n", top, latest)
	}
	return nil
}

func entries[V any](r pstate.Reader, m pstate.SortedMap[string, V]) (string, error) {
	var all []string
	for e, err := range m.Range(r, pstate.All[string]()) {
		if err != nil {
			return "", err
		}
		all = append(all, fmt.Sprintf("[%q %v]", e.Key, e.Val))
	}
	return "[" + strings.Join(all, " ") + "]", nil
}

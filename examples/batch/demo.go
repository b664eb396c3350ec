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

// Demo runs the four modules and prints what came of their microbatches.
func Demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	pairs, shop, numbers, words := &Pairs{Name: of(name, 0)}, &Shop{Name: of(name, 1)}, &Numbers{Name: of(name, 2)}, &Words{Name: of(name, 3)}
	return demo(ctx, c, launch, out, pairs, pairs, shop, shop, numbers, numbers, words, words)
}

// FlowDemo does the same with the modules as dataflow.
func FlowDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	pairs, shop, numbers, words := &PairsFlow{Pairs{Name: of(name, 0)}}, &ShopFlow{Shop{Name: of(name, 1)}}, &NumbersFlow{Numbers{Name: of(name, 2)}}, &WordsFlow{Words{Name: of(name, 3)}}
	return demo(ctx, c, launch, out, pairs, &pairs.Pairs, shop, &shop.Shop, numbers, &numbers.Numbers, words, &words.Words)
}

func of(name string, i int) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("%s-%d", name, i)
}

// demo launches each module and uses its handles.
func demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, out io.Writer, asPairs module.Module, pairs *Pairs, asShop module.Module, shop *Shop, asNumbers module.Module, numbers *Numbers, asWords module.Module, words *Words) error {
	for _, m := range []struct {
		as  module.Module
		use func() error
	}{
		{asPairs, func() error { return pairsDemo(ctx, c, pairs, out) }},
		{asShop, func() error { return shopDemo(ctx, c, shop, out) }},
		{asNumbers, func() error { return numbersDemo(ctx, c, numbers, out) }},
		{asWords, func() error { return wordsDemo(ctx, c, words, out) }},
	} {
		if err := c.Launch(ctx, m.as, launch); err != nil {
			return err
		}
		if err := m.use(); err != nil {
			return err
		}
	}
	return nil
}

// process appends records and waits until they are processed.
func process[T any](ctx context.Context, c *localcluster.Cluster, m module.Module, topology string, d module.Depot[T], before int, records ...T) error {
	for _, r := range records {
		if _, err := d.Append(ctx, c.Client(), r); err != nil {
			return err
		}
	}
	return c.WaitForMicrobatchProcessedCount(ctx, m, topology, int64(before+len(records)))
}

func pairsDemo(ctx context.Context, c *localcluster.Cluster, m *Pairs, out io.Writer) error {
	all := []Pair{{"a", "b", 1}, {"x", "y", 2}, {"a", "c", 3}, {"x", "y", 1}, {"a", "b", 1}, {"x", "z", 2}, {"x", "y", 1}}
	if err := process(ctx, c, m, "pairs", m.Pairs, 0, all...); err != nil {
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

func shopDemo(ctx context.Context, c *localcluster.Cluster, m *Shop, out io.Writer) error {
	all := []Entry{{"apple", 3, 0}, {"banana", 9, 0}, {"apple", 0, 2}, {"apple", 4, 0}, {"cherry", 0, 5}}
	if err := process(ctx, c, m, "shop", m.Days, 0, all); err != nil {
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

func numbersDemo(ctx context.Context, c *localcluster.Cluster, m *Numbers, out io.Writer) error {
	var all []Item
	for _, n := range []int{1, 17, 1003, 2, 1017, 20, 1016, 3} {
		all = append(all, Item{N: n})
	}
	for _, w := range []string{"a", "b", "c", "a", "b", "c", "d"} {
		all = append(all, Item{Word: w})
	}
	if err := process(ctx, c, m, "numbers", m.Items, 0, all); err != nil {
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

func wordsDemo(ctx context.Context, c *localcluster.Cluster, m *Words, out io.Writer) error {
	for i, text := range []string{"a b a c a b d", "d d e d b d"} { // one record, one microbatch
		if err := process(ctx, c, m, "words", m.Lines, i, text); err != nil {
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

package aggregate

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/pstate"
)

// Demo appends four names and prints what was made of them.
func Demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Names{Name: name}
	if err := c.Launch(ctx, m, launch); err != nil {
		return err
	}
	for _, n := range []string{"james cagney", "spencer tracy", "james cagney", "bette davis"} {
		acks, err := m.Names.Append(ctx, c.Client(), n)
		if err != nil {
			return err
		}
		mean, _ := m.Lengths.From(acks)
		fmt.Fprintf(out, "%s: %.0f letters\n", n, mean.Value())
	}
	r := c.Client().At(ctx)
	count, err := m.Count.Get(r)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Count: %d\n", count)
	each, err := entries(r, m.Each)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Each: %s\n", each)
	shapes, err := entries(r, m.Shapes.Key("j").Key(12))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "With j, of 12 letters: %s\n", shapes)
	top, err := m.Ranked.Top(r, 1)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "First: %s, %d\n", top[0].ID, top[0].Score)
	return nil
}

func entries(r pstate.Reader, m pstate.SortedMap[string, int64]) (string, error) {
	var all []string
	for e, err := range m.Range(r, pstate.All[string]()) {
		if err != nil {
			return "", err
		}
		all = append(all, fmt.Sprintf("[%q %d]", e.Key, e.Val))
	}
	return "[" + strings.Join(all, " ") + "]", nil
}

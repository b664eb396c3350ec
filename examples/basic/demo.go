package basic

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/pstate"
)

// Demo appends three pairs and prints the counts.
func Demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Module{Name: name}
	if err := c.Launch(ctx, m, launch); err != nil {
		return err
	}
	for _, p := range []Pair{{"a", "b"}, {"b", "c"}, {"a", "a"}} {
		if _, err := m.Pairs.Append(ctx, c.Client(), p); err != nil {
			return err
		}
	}
	r := c.Client().At(ctx)
	for _, key := range []string{"a", "b", "c"} {
		n, err := m.Counts.Key(key).Get(r)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s count: %d\n", key, n)
	}
	var entries []string
	for e, err := range m.Beside.Key("b").Range(r, pstate.Span[string]{}) {
		if err != nil {
			return err
		}
		entries = append(entries, fmt.Sprintf("[%q %d]", e.Key, e.Val))
	}
	fmt.Fprintf(out, "b subcounts: [%s]\n", strings.Join(entries, " "))
	return nil
}

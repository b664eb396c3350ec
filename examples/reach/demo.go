package reach

import (
	"context"
	"fmt"
	"io"

	"github.com/coppice-run/coppice/localcluster"
)

// Demo has some people follow others and share pages, and asks how far the pages reached.
func Demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Module{Name: name}
	if err := c.Launch(ctx, m, launch); err != nil {
		return err
	}
	for whom, all := range map[string][]string{"ada": {"bob", "cay", "dan"}, "bob": {"cay", "eve", "fay"}, "cay": {"gus", "dan"}, "dan": {"hal"}} {
		for _, who := range all {
			if _, err := m.Follows.Append(ctx, c.Client(), Follow{Who: who, Whom: whom}); err != nil {
				return err
			}
		}
	}
	for _, s := range []Share{{"ada", "grapefruit.example"}, {"bob", "grapefruit.example"}, {"cay", "grapefruit.example"}, {"dan", "plum.example"}} {
		if _, err := m.Shares.Append(ctx, c.Client(), s); err != nil {
			return err
		}
	}
	for _, page := range []string{"grapefruit.example", "plum.example", "nowhere.example"} {
		n, err := m.Reach.Ask(ctx, c.Client(), page)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s reach: %d\n", page, n)
	}
	n, err := m.Pages.Ask(ctx, c.Client(), struct{}{})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "pages: %d\n", n)
	return nil
}

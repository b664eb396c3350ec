package reach

import (
	"context"
	"fmt"
	"io"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
)

// Demo has some people follow others and share pages, and asks how far the pages reached.
func Demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Module{Name: name}
	return demo(ctx, c, launch, m, m, out)
}

// FlowDemo does the same with the module as dataflow.
func FlowDemo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Flow{Module{Name: name}}
	return demo(ctx, c, launch, m, &m.Module, out)
}

// demo launches a module and uses its handles.
func demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, as module.Module, m *Module, out io.Writer) error {
	if err := c.Launch(ctx, as, launch); err != nil {
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

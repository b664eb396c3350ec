// Package demo shows componentsexact: a house with a kitchen, which is deleted and built
// again under its old name.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/componentsexact"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/pstate"
)

// Play builds a house with a kitchen, deletes the kitchen, and builds it again.
func Play(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &componentsexact.Module{Name: name}
	if err := c.Launch(ctx, m, launch); err != nil {
		return err
	}
	for _, step := range []struct {
		says   string
		change componentsexact.Change
	}{
		{"create the house", componentsexact.Create{ID: "house", Text: "of wood"}},
		{"create the kitchen in the house", componentsexact.Create{ID: "kitchen", Parent: "house", Text: "with a stove"}},
		{"create the stove in the kitchen", componentsexact.Create{ID: "stove", Parent: "kitchen", Text: "hot"}},
		{"create another stove in the kitchen", componentsexact.Create{ID: "stove", Parent: "kitchen", Text: "cold"}},
		{"delete the kitchen", componentsexact.Delete{ID: "kitchen"}},
		{"create a table in the kitchen", componentsexact.Create{ID: "table", Parent: "kitchen", Text: "round"}},
		{"create the kitchen in the house", componentsexact.Create{ID: "kitchen", Parent: "house", Text: "new"}},
	} {
		_, err := m.Changes.Append(ctx, c.Client(), step.change)
		var rejected *client.RejectedError
		switch {
		case errors.As(err, &rejected):
			fmt.Fprintf(out, "%s: %s\n", step.says, rejected.Text)
		case err != nil:
			return err
		default:
			fmt.Fprintf(out, "%s: done\n", step.says)
		}
	}
	for child, err := range m.Children.Key("house").Range(c.Client().At(ctx), pstate.All[string]()) {
		if err != nil {
			return err
		}
		have, err := m.Components.Key(child).Get(c.Client().At(ctx))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "the house has the %s, %s\n", child, have.Text)
	}
	return nil
}

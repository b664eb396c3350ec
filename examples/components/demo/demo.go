// Package demo shows components: a house with a room, of which a part is deleted.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/components"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/pstate"
)

// Play makes a house with a room, deletes the house, and asks for another room.
func Play(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &components.Module{Name: name}
	if err := c.Launch(ctx, m, launch); err != nil {
		return err
	}
	for _, step := range []struct {
		says   string
		change components.Change
	}{
		{"create the house", components.Create{ID: "house", Text: "of wood"}},
		{"create the kitchen in the house", components.Create{ID: "kitchen", Parent: "house", Text: "with a stove"}},
		{"create the stove in the kitchen", components.Create{ID: "stove", Parent: "kitchen", Text: "hot"}},
		{"delete the kitchen", components.Delete{ID: "kitchen"}},
		{"create a table in the kitchen", components.Create{ID: "table", Parent: "kitchen", Text: "round"}},
	} {
		_, err := m.Changes.Append(ctx, c.Client(), step.change)
		switch {
		case errors.Is(err, client.ErrRejected):
			fmt.Fprintf(out, "%s: rejected\n", step.says)
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
		fmt.Fprintln(out, "the house still has", child)
	}
	return nil
}

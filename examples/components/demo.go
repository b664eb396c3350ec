package components

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/pstate"
)

// Demo makes a house with a room, deletes the house, and asks for another room.
func Demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Module{Name: name}
	if err := c.Launch(ctx, m, launch); err != nil {
		return err
	}
	for _, change := range []Change{
		Create{ID: "house", Text: "of wood"},
		Create{ID: "kitchen", Parent: "house", Text: "with a stove"},
		Create{ID: "stove", Parent: "kitchen", Text: "hot"},
		Delete{ID: "kitchen"},
		Create{ID: "table", Parent: "kitchen", Text: "round"},
	} {
		_, err := m.Changes.Append(ctx, c.Client(), change)
		switch {
		case errors.Is(err, client.ErrRejected):
			fmt.Fprintf(out, "%T %s: rejected\n", change, change.id())
		case err != nil:
			return err
		default:
			fmt.Fprintf(out, "%T %s: done\n", change, change.id())
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

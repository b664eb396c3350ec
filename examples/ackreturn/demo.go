package ackreturn

import (
	"context"
	"fmt"
	"io"

	"github.com/coppice-run/coppice/localcluster"
)

// Demo appends one key three times and prints what the appends return: a map
// from topology to its ack.
func Demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Module{Name: name}
	if err := c.Launch(ctx, m, launch); err != nil {
		return err
	}
	for range 3 {
		acks, err := m.Keys.Append(ctx, c.Client(), "a")
		if err != nil {
			return err
		}
		fmt.Fprintln(out, acks)
	}
	return nil
}

package sum

import (
	"context"
	"fmt"
	"io"

	"github.com/coppice-run/coppice/localcluster"
)

// Demo appends three numbers and prints what their appends return.
func Demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Module{Name: name}
	if err := c.Launch(ctx, m, launch); err != nil {
		return err
	}
	for _, v := range []int{3, 5, 10} {
		acks, err := m.Numbers.Append(ctx, c.Client(), v)
		if err != nil {
			return err
		}
		total, ok := m.Total.From(acks)
		if !ok {
			return fmt.Errorf("the append of %d returned no total", v)
		}
		fmt.Fprintln(out, total)
	}
	return nil
}

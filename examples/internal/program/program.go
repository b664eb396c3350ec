// Package program is what the examples' commands have in common.
package program

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/coppice-run/coppice/localcluster"
)

// Demo runs an example on a cluster and prints what it shows. name is the
// module's; "" means its own.
type Demo func(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error

// Main runs a demo on a cluster in memory and returns the exit code.
func Main(demo Demo) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, err := localcluster.Start(ctx, localcluster.Config{})
	if err == nil {
		err = demo(ctx, c, localcluster.LaunchConfig{}, "", os.Stdout)
		_ = c.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Command flights runs the flights example in this process: January, or the file
// that is named.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/coppice-run/coppice/examples/flights"
	"github.com/coppice-run/coppice/localcluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var o flights.Options
	if len(args) > 0 {
		file, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer file.Close()
		o.Input = file
	}
	c, err := localcluster.Start(ctx, localcluster.Config{})
	if err != nil {
		return err
	}
	defer c.Close()
	report, err := flights.Run(ctx, c, o)
	if err != nil {
		return err
	}
	return report.Tables(os.Stdout)
}

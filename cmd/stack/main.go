// Command stack starts and ends the real servers of a development machine: one
// Kafka, one Redis and a Redis cluster of three masters; where they are asked
// for (--parts), the cluster's replicas and a pair of a master and its replica.
//
//	stack up              start what is not running, print the addresses
//	stack down            end what up started
//	stack status          ask each server
//	stack run -- COMMAND  run a command with the addresses in its environment;
//	                      where nothing is up, servers of its own are started
//	                      on free ports and ended afterwards
//	stack fetch           fetch the jars of the native Kafka, once
//
// `make stack`, `make stack-down` and `make integration` call it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command().ExecuteContext(ctx)
	if err == nil {
		return
	}
	// What `stack run` ran has said itself what went wrong.
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() > 0 {
		os.Exit(exit.ExitCode())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "stack",
		Short:         "Start and end the real servers: Kafka, Redis and a Redis cluster",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	var options options
	options.register(root.PersistentFlags())
	root.AddCommand(upCommand(&options), downCommand(&options), statusCommand(&options), runCommand(&options), fetchCommand())
	return root
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/coppice-run/coppice/internal/stack"
	"github.com/spf13/cobra"
)

func upCommand(options *options) *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Start what is not running and print the addresses",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			state, err := options.up(cmd.Context())
			if err != nil {
				return err
			}
			printAddresses(cmd.OutOrStdout(), state)
			return nil
		},
	}
}

func printAddresses(out io.Writer, state stack.State) {
	cluster := strings.Join(state.Cluster(), ",")
	for _, line := range []struct{ name, value string }{
		{"Kafka", state.Kafka()}, {"Redis", state.Redis()}, {"Redis cluster", cluster},
		{"Redis pair", strings.Join(state.Pair(), ",")},
	} {
		if line.value != "" {
			fmt.Fprintf(out, "%-14s %s\n", line.name, line.value)
		}
	}
	for _, redis := range []string{state.Redis(), cluster} {
		if state.Kafka() != "" && redis != "" {
			fmt.Fprintf(out, "  go run ./cmd/coppice demo --plain --kafka %s --redis %s\n", state.Kafka(), redis)
		}
	}
}

func downCommand(options *options) *cobra.Command {
	var keep, all bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "End what up started and remove its data; also what a run left that was killed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			folder, err := options.stateFolder()
			if err != nil {
				return err
			}
			return errors.Join(stack.DownRuns(cmd.Context(), folder, all), stack.Down(cmd.Context(), folder, keep))
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "end the servers of runs that still go on, too")
	cmd.Flags().BoolVar(&keep, "keep", false, "keep record, logs and data: the next up goes on with them")
	return cmd
}

func statusCommand(options *options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Ask each server; fails unless all answer",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			folder, err := options.stateFolder()
			if err != nil {
				return err
			}
			state, err := stack.Load(folder)
			if err != nil {
				return err
			}
			report := state.Check(cmd.Context())
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(report)
			} else {
				printHealth(cmd.OutOrStdout(), report)
			}
			return errors.Join(err, verdict(report))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printHealth(out io.Writer, report []stack.Health) {
	for _, server := range report {
		word := "answers"
		if server.Problem != "" {
			word = server.Problem
		}
		fmt.Fprintf(out, "%-10s %-18s pid %-8d %s\n", server.Name, server.Address, server.Pid, word)
	}
}

func verdict(report []stack.Health) error {
	if len(report) == 0 {
		return errors.New("stack: nothing is up: start it by make stack")
	}
	silent := 0
	for _, server := range report {
		if server.Problem != "" {
			silent++
		}
	}
	if silent > 0 {
		return fmt.Errorf("stack: %d of %d servers do not answer: make stack starts them again", silent, len(report))
	}
	return nil
}

func runCommand(options *options) *cobra.Command {
	return &cobra.Command{
		Use:   "run -- COMMAND [ARGUMENT]...",
		Short: "Run a command with the addresses in COPPICE_TEST_KAFKA, _REDIS and _REDIS_CLUSTER",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (result error) {
			folder, err := options.stateFolder()
			if err != nil {
				return err
			}
			state, err := stack.Load(folder)
			if err != nil {
				return err
			}
			if len(state.Servers) == 0 {
				// Nobody else knows of these servers: they get free ports and a record of their own.
				run, release, err := stack.OpenRun(folder)
				if err != nil {
					return err
				}
				defer func() { result = errors.Join(result, downAfter(run), release()) }()
				options.folder, options.free, options.own = run, true, true
			}
			if state, err = options.up(cmd.Context()); err != nil {
				return err
			}
			return runWith(cmd.Context(), state, args)
		},
	}
}

// downAfter ends the stack also when we were told to stop.
func downAfter(folder string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return stack.Down(ctx, folder, false)
}

func fetchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "fetch",
		Short: "Fetch the jars of the native Kafka unless they are there",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return stack.Fetch(cmd.Context(), progress)
		},
	}
}

// runWith runs the command to its end; when we are told to stop, so is the command, with ten seconds to obey.
func runWith(ctx context.Context, state stack.State, args []string) error {
	child := exec.CommandContext(ctx, args[0], args[1:]...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.Env = append(os.Environ(), state.Environment()...)
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) }
	child.WaitDelay = 10 * time.Second
	if err := child.Run(); err != nil {
		return fmt.Errorf("stack: %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/examples/ackreturn"
	bank "github.com/coppice-run/coppice/examples/bank/demo"
	"github.com/coppice-run/coppice/examples/basic"
	components "github.com/coppice-run/coppice/examples/components/demo"
	componentsexact "github.com/coppice-run/coppice/examples/componentsexact/demo"
	"github.com/coppice-run/coppice/examples/eventtree"
	"github.com/coppice-run/coppice/examples/sum"
	"github.com/coppice-run/coppice/localcluster"
)

// demoOptions are the flags of coppice demo.
type demoOptions struct {
	plain, json bool
	servers     serverOptions
	tasks       int
	workers     int
	records     int
	input       string
}

// scene is a demo that prints lines.
type scene struct {
	about string
	run   func(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error
}

// scenes are the demos beside flights, by name.
var scenes = map[string]scene{
	"basic":           {"counts keys and pairs of keys", basic.Demo},
	"ackreturn":       {"an append returns a count", ackreturn.Demo},
	"sum":             {"an append returns the sum of what several tasks return", sum.Demo},
	"eventtree":       {"the tree of events of one record", eventtree.Demo},
	"bank":            {"transfers between accounts on different tasks, exactly once", bank.Play},
	"components":      {"a forest that is created and deleted over several tasks", components.Play},
	"componentsexact": {"the same forest in an exactly-once stream", componentsexact.Play},
}

// sceneNames is the order in which help lists them.
var sceneNames = []string{"basic", "ackreturn", "sum", "eventtree", "bank", "components", "componentsexact"}

func demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:       "demo [flights|" + strings.Join(sceneNames, "|") + "]",
		Short:     "Run a module on data and show what it computed",
		Long:      demoHelp(),
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: append([]string{"flights"}, sceneNames...),
		Example: `  coppice demo
  coppice demo --plain --records 1000
  coppice demo basic
  coppice demo --kafka 127.0.0.1:19092 --redis 127.0.0.1:16379 --workers 2`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] != "flights" {
				return o.playScene(cmd.Context(), args[0], cmd.OutOrStdout())
			}
			return o.playFlights(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.register(cmd)
	return cmd
}

func demoHelp() string {
	var text strings.Builder
	text.WriteString("Run a module on data and show what it computed.\n\nDemos:\n")
	fmt.Fprintf(&text, "  %-15s %s\n", "flights", "all departures from New York in January 2013: aircraft, routes, airports, carriers (default)")
	for _, name := range sceneNames {
		fmt.Fprintf(&text, "  %-15s %s\n", name, scenes[name].about)
	}
	text.WriteString("\nWithout --kafka and --redis, both are in the memory of this process.")
	return text.String()
}

func (o *demoOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&o.plain, "plain", false, "print one name and value per line")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	flags.IntVar(&o.tasks, "tasks", 4, "tasks of the module, and partitions of its depots")
	flags.IntVar(&o.workers, "workers", 1, "workers that share the tasks")
	flags.IntVar(&o.records, "records", 0, "process only so many records (flights); 0: all")
	flags.StringVar(&o.input, "input", "", "read flights from this file, CSV or gzip, instead of January")
	o.servers.register(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("plain", "json")
}

func (o *demoOptions) launch() localcluster.LaunchConfig {
	return localcluster.LaunchConfig{Tasks: o.tasks, Workers: o.workers, ShareValues: true}
}

// name returns a module name that no earlier run used where servers keep what
// runs leave behind, so that every run prints the same; else the default.
func (o *demoOptions) name(name string) string {
	if o.servers.none() {
		return ""
	}
	return name + "-" + strings.ReplaceAll(uuid.NewString(), "-", "")[:12]
}

func (o *demoOptions) check() error {
	switch {
	case o.tasks < 1:
		return fmt.Errorf("--tasks %d: a module has at least one task", o.tasks)
	case o.workers < 1 || o.workers > o.tasks:
		return fmt.Errorf("--workers %d: at least 1, and at most as many as there are tasks (%d)", o.workers, o.tasks)
	case o.records < 0:
		return fmt.Errorf("--records %d: not less than 0", o.records)
	}
	return nil
}

// playScene runs a demo that prints lines.
func (o *demoOptions) playScene(ctx context.Context, which string, out io.Writer) error {
	if o.records != 0 || o.input != "" {
		return fmt.Errorf("--records and --input are for demo flights")
	}
	return o.onCluster(ctx, func(c *localcluster.Cluster) error {
		if !o.json {
			return scenes[which].run(ctx, c, o.launch(), o.name(which), out)
		}
		var lines strings.Builder
		if err := scenes[which].run(ctx, c, o.launch(), o.name(which), &lines); err != nil {
			return err
		}
		return printJSON(out, struct {
			Demo  string   `json:"demo"`
			Lines []string `json:"lines"`
		}{which, strings.Split(strings.TrimSuffix(lines.String(), "\n"), "\n")})
	})
}

// onCluster starts a cluster on the chosen servers, and ends it after use.
func (o *demoOptions) onCluster(ctx context.Context, use func(*localcluster.Cluster) error) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	config, release, err := o.servers.open(ctx)
	if err != nil {
		return err
	}
	defer release()
	c, err := localcluster.Start(ctx, config)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := c.Close(); err == nil {
			err = closeErr
		}
	}()
	return use(c)
}

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/task"
)

// progressCommand shows how far the sources are.
func progressCommand() *cobra.Command {
	var r remote
	var topology string
	var migrations bool
	cmd := &cobra.Command{
		Use: "progress MODULE", Short: "Show how far each source of a module is with its depot", Args: cobra.ExactArgs(1),
		Long: "Show how far each source of a module is with each partition of its depot: NEXT is the offset\nbelow which all records are done, AHEAD how many behind it are done, too, END the offset behind\n" +
			"the last record, LAG how many are not done. Of a depot of ticks NEXT is a time. A stream's progress is written with its commits,\nand else from time to time (topology.stream.periodic.checkpoint.seconds).",
		ValidArgsFunction: r.completeModules,
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.use(cmd.Context(), func(c *client.Client) error {
				if migrations {
					return printMigrations(cmd, &r, c, args[0])
				}
				all, unread := c.Progress(cmd.Context(), args[0], topology)
				if all == nil && unread != nil {
					return unread
				}
				shown := list(&r, cmd.OutOrStdout(), all, "the module has no sources", "TOPOLOGY SOURCE DEPOT PARTITION NEXT AHEAD END LAG", func(p client.SourceProgress) []string {
					return append([]string{p.Topology, p.Source, p.Depot, strconv.Itoa(int(p.Partition))}, reached(&p)...)
				})
				return errors.Join(shown, unreadError(all, unread))
			})
		},
	}
	r.register(cmd)
	cmd.Flags().StringVar(&topology, "topology", "", "of this topology only")
	cmd.Flags().BoolVar(&migrations, "migrations", false, "instead, how far each task is with PStates whose values migrate")
	return cmd
}

// unreadError says how many partitions cannot be read, and why the first one: each has its error,
// and mostly they have the same.
func unreadError(all []client.SourceProgress, each error) error {
	n, first := 0, ""
	for _, p := range all {
		if p.Error != "" {
			n++
			first = cmp.Or(first, p.Error)
		}
	}
	if n < 2 {
		return each
	}
	return fmt.Errorf("%d of %d cannot be read; the first: %s", n, len(all), first)
}

// printMigrations shows how far each task is with PStates whose values migrate.
func printMigrations(cmd *cobra.Command, r *remote, c *client.Client, module string) error {
	all, err := c.Migrations(cmd.Context(), module)
	if err != nil {
		return err
	}
	return list(r, cmd.OutOrStdout(), all, "no PState of the module migrates", "PSTATE MIGRATION TASK STATE SEEN REWRITTEN", func(m client.MigrationProgress) []string {
		state := "under way"
		if m.Done {
			state = "done"
		}
		return []string{m.PState, m.Migration, strconv.Itoa(int(m.Task)), state, strconv.FormatInt(m.Seen, 10), strconv.FormatInt(m.Rewritten, 10)}
	})
}

// reached are the columns that say how far a source is.
func reached(p *client.SourceProgress) []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	switch {
	case p.Error != "" && p.Begun:
		return []string{number(p.Next), number(p.Ahead), "unread", "-"}
	case p.Error != "":
		return []string{"unread", "-", "-", "-"}
	case !p.Begun && p.Ticks:
		return []string{"not begun", "-", "-", "-"}
	case !p.Begun:
		return []string{"not begun", "-", number(p.End), "-"}
	case p.Ticks:
		return []string{time.UnixMilli(p.Next).UTC().Format(time.RFC3339), "-", "-", "-"}
	}
	return []string{number(p.Next), number(p.Ahead), number(p.End), number(p.Lag)}
}

// pauseCommand holds a topology, resumeCommand lets it go on.
func pauseCommand() *cobra.Command {
	return switchCommand("pause", "Have a topology begin no record until it is resumed", "paused",
		"Have a topology begin no record until it is resumed, over restarts, too. A stream's records under\nway go on, and acked appends are told that their records wait; of a microbatch topology the\nmicrobatch under way is finished.",
		(*client.Client).Pause)
}

func resumeCommand() *cobra.Command {
	return switchCommand("resume", "Let a paused topology go on", "runs",
		"Let a paused topology go on, whatever holds it: its own setting is taken back, and where the whole module\nis paused, or a worker was started so, the option is set to false for the topology, which counts\nbefore those.", (*client.Client).Resume)
}

// switched is a topology that was paused or resumed.
type switched struct {
	Module   string    `json:"module"`
	Topology string    `json:"topology"`
	State    string    `json:"state"`
	Warning  string    `json:"warning,omitempty"`
	Unheard  []task.ID `json:"unheard,omitempty"` // tasks that have not said that they go by it
}

func switchCommand(name, short, state, long string, do func(*client.Client, context.Context, string, string) error) *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use: name + " MODULE TOPOLOGY", Short: short, Long: long, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.use(cmd.Context(), func(c *client.Client) error {
				e := client.AuditEntry{Did: name + "Topology", Subject: "topology " + args[1]}
				failure := do(c, cmd.Context(), args[0], args[1])
				out := switched{Module: args[0], Topology: args[1], State: state}
				var unheard *client.UnheardError
				if errors.As(failure, &unheard) { // it is kept, which is what was asked for
					out.Warning, out.Unheard, failure = unheard.Warning(), unheard.Tasks, nil
				}
				if err := noted(cmd.Context(), c, args[0], e, failure); err != nil {
					return err
				}
				if r.json {
					return printJSON(cmd.OutOrStdout(), out)
				}
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "topology %s of %s: %s\n", args[1], args[0], state); err != nil || out.Warning == "" {
					return err
				}
				_, err := fmt.Fprintln(cmd.ErrOrStderr(), "mind:", legible(out.Warning))
				return err
			})
		},
	}
	r.register(cmd)
	cmd.ValidArgsFunction = r.completeWithin(func(d *client.Description) (names []string) {
		for _, t := range d.Topologies {
			names = append(names, t.Name)
		}
		return names
	})
	return cmd
}

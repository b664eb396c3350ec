package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/task"
)

// treeCommand shows where a record is.
func treeCommand() *cobra.Command {
	var r remote
	var moduleName string
	cmd := &cobra.Command{
		Use: "tree DEPOT PARTITION OFFSET", Short: "Show where a record is, event by event, and what it waits for", Args: cobra.ExactArgs(3),
		Long: "Show where a record is: for each source that reads the depot, how far it is, which of its events\nwait for what and on which task and worker, and how earlier attempts ended.\n\n" +
			"What is under way is always shown. Events that are over are shown for the records of which\nthe workers keep them: a sample, and those that failed, were tried again, parked or took long.",
		Example: "  coppice tree sentences 2 1041\n  coppice tree sentences 2 1041 --module WordCount --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			partition, err := strconv.ParseInt(args[1], 10, 32)
			if err != nil {
				return fmt.Errorf("%q is no partition: want a number", args[1])
			}
			offset, err := strconv.ParseInt(args[2], 10, 64)
			if err != nil {
				return fmt.Errorf("%q is no offset: want a number", args[2])
			}
			return r.use(cmd.Context(), func(c *client.Client) error {
				name := moduleName
				if name == "" {
					if name, err = moduleOf(cmd.Context(), c, args[0]); err != nil {
						return err
					}
				}
				trees, err := c.Tree(cmd.Context(), name, args[0], task.ID(partition), offset)
				if err != nil {
					return err
				}
				if r.json {
					if trees == nil {
						trees = []eventtree.Tree{}
					}
					return printJSON(cmd.OutOrStdout(), trees)
				}
				return printTrees(cmd.OutOrStdout(), trees, time.Now())
			})
		},
	}
	r.register(cmd)
	cmd.Flags().StringVar(&moduleName, "module", "", "the module that has the depot; default: the only one that has such a depot")
	return cmd
}

// moduleOf finds the module of a depot.
func moduleOf(ctx context.Context, c *client.Client, depot string) (string, error) {
	modules, err := c.Modules(ctx)
	if err != nil {
		return "", err
	}
	var having, all []string
	for _, m := range modules {
		all = append(all, m.Depots...)
		if slices.Contains(m.Depots, depot) {
			having = append(having, m.Name)
		}
	}
	switch len(having) {
	case 0:
		if len(all) == 0 {
			return "", fmt.Errorf("no module has a depot %q: none on these servers has any", depot)
		}
		return "", fmt.Errorf("no module has a depot %q; there are %s", depot, strings.Join(all, ", "))
	case 1:
		return having[0], nil
	}
	return "", fmt.Errorf("the modules %s have a depot %q each: say which with --module", strings.Join(having, ", "), depot)
}

// noTrees says that no tree is found, and of a list that lacks tasks no more than is known.
func noTrees(found *client.TreeList, recent bool) string {
	switch missing := len(found.Missing) > 0; {
	case missing && recent:
		return "whether a record is under way is not known, nor whether one that is over was kept: those that answer have none"
	case missing:
		return "whether a record is under way is not known: those that answer have none"
	case recent:
		return "no record is under way, and the workers have kept none that is over"
	}
	return "no record is under way"
}

// treesCommand lists trees.
func treesCommand() *cobra.Command {
	var r remote
	var filter client.TreeFilter
	var states []string
	cmd := &cobra.Command{
		Use: "trees MODULE", Short: "List the records that are under way, the oldest first, and what they wait for", Args: cobra.ExactArgs(1), ValidArgsFunction: r.completeModules,
		Example: "  coppice trees WordCount --older-than 5s\n  coppice trees WordCount --recent --state parked --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, s := range states {
				if !slices.Contains(treeStates, eventtree.State(s)) {
					return fmt.Errorf("--state %q: no tree is that; it may be %s", s, stateNames())
				}
				filter.States = append(filter.States, eventtree.State(s))
			}
			if filter.OlderThan < 0 || filter.Limit < 1 {
				return fmt.Errorf("--older-than is %v and --limit %d; want no less than 0s, and 1 or more", filter.OlderThan, filter.Limit)
			}
			return r.use(cmd.Context(), func(c *client.Client) error {
				found, err := c.ListTrees(cmd.Context(), args[0], filter)
				if err != nil {
					return err
				}
				for _, m := range found.Missing {
					fmt.Fprintln(cmd.ErrOrStderr(), legible(m.String()))
				}
				return list(&r, cmd.OutOrStdout(), found.Trees, noTrees(&found, filter.Recent), "RECORD SOURCE STATE AGE ATTEMPT WAITS", func(t eventtree.Tree) []string {
					says := t.Waits
					if says == "" {
						says = t.Error
					}
					return []string{t.Record.String(), t.Topology + "/" + t.Source, string(t.State), age(t.Since, time.Now()), strconv.Itoa(t.Attempt), says}
				})
			})
		},
	}
	r.register(cmd)
	cmd.Flags().StringVar(&filter.Depot, "depot", "", "only records of this depot")
	cmd.Flags().StringVar(&filter.Topology, "topology", "", "only trees of this topology")
	cmd.Flags().StringSliceVar(&states, "state", nil, "only trees in these states, as open, retrying, parked")
	cmd.Flags().DurationVar(&filter.OlderThan, "older-than", 0, "only trees that are under way for so long")
	cmd.Flags().BoolVar(&filter.Recent, "recent", false, "also those that are over, as far as the workers have kept them")
	cmd.Flags().IntVar(&filter.Limit, "limit", 100, "how many at most")
	return cmd
}

// treeStates are the states that a tree may be in.
var treeStates = []eventtree.State{
	eventtree.Unread, eventtree.Waiting, eventtree.Announced, eventtree.Starting, eventtree.Silent,
	eventtree.Leaving, eventtree.Hopping, eventtree.Held, eventtree.Queued, eventtree.Behind, eventtree.Running, eventtree.Reading, eventtree.Batched, eventtree.Committing, eventtree.Calling, eventtree.Appending,
	eventtree.Open, eventtree.Proving, eventtree.Retrying, eventtree.Microbatch, eventtree.Done, eventtree.Rejected, eventtree.Parked, eventtree.Dropped, eventtree.Failed,
}

func stateNames() string {
	names := make([]string, len(treeStates))
	for i, s := range treeStates {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

// age is how long ago something was, "" if that is not known.
func age(since, now time.Time) string {
	if since.IsZero() {
		return ""
	}
	return now.Sub(since).Round(time.Millisecond).String()
}

// printTrees draws trees.
func printTrees(out io.Writer, trees []eventtree.Tree, now time.Time) error {
	if len(trees) == 0 {
		_, err := fmt.Fprintln(out, "no stream reads the depot")
		return err
	}
	for i := range trees {
		t := &trees[i]
		fmt.Fprintf(out, "%v in %s/%s: %s", t.Record, t.Topology, t.Source, t.State)
		if t.Attempt > 0 {
			fmt.Fprintf(out, ", attempt %d", t.Attempt)
		}
		if a := age(t.Since, now); a != "" && !t.State.Over() {
			fmt.Fprintf(out, ", for %s", a)
		}
		fmt.Fprintf(out, " (task %d on %s)\n", t.Task, t.Worker)
		line := func(what, text string) {
			if text != "" {
				fmt.Fprintf(out, "  %-8s %s\n", what, legible(text))
			}
		}
		line("waits", t.Waits)
		line("error", t.Error)
		line("trace", t.TraceID)
		for _, m := range t.Missing {
			line("missing", m.String())
		}
		for _, h := range t.Stuck {
			line("stuck", fmt.Sprintf("%v, for %s", h, age(h.Since, now)))
		}
		if len(t.Events) > 0 {
			if err := table(out, "  EVENT ATTEMPT TASK WORKER STATE TOOK SAYS", eventRows(t.Events, now)); err != nil {
				return err
			}
		}
	}
	return nil
}

// eventRows are the events of a tree, each below the one that sent it off.
func eventRows(events []eventtree.Event, now time.Time) [][]string {
	children := map[eventtree.ID][]int{}
	known := map[eventtree.ID]bool{}
	for _, e := range events {
		known[e.ID] = true
	}
	var tops []int
	for i, e := range events {
		if e.Parent != 0 && known[e.Parent] {
			children[e.Parent] = append(children[e.Parent], i)
		} else {
			tops = append(tops, i)
		}
	}
	var rows [][]string
	seen := make([]bool, len(events))
	var visit func(i, depth int)
	visit = func(i, depth int) {
		if seen[i] {
			return
		}
		seen[i] = true
		e := &events[i]
		says := e.Waits
		if says == "" {
			says = e.Error
		}
		rows = append(rows, []string{
			"  " + strings.Repeat("  ", depth) + e.Step, strconv.Itoa(e.Attempt), e.Task.String(), e.Worker, string(e.State), took(e, now), says,
		})
		for _, c := range children[e.ID] {
			if events[c].Attempt == e.Attempt {
				visit(c, depth+1)
			}
		}
	}
	for _, i := range tops {
		visit(i, 0)
	}
	for i := range events { // of attempts whose parents are of another
		visit(i, 1)
	}
	return rows
}

// took is how long an event was under way, or is in its state.
func took(e *eventtree.Event, now time.Time) string {
	switch {
	case !e.Committed.IsZero() && !e.Began.IsZero():
		return e.Committed.Sub(e.Began).Round(10 * time.Microsecond).String()
	case !e.State.Over():
		return age(e.Since, now)
	}
	return ""
}

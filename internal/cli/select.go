package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// selectFlags are what select and watch share.
type selectFlags struct {
	remote
	tasks []int
	limit int
}

func (f *selectFlags) registerSelect(cmd *cobra.Command) {
	f.register(cmd)
	cmd.Flags().IntSliceVar(&f.tasks, "task", nil, "read these tasks; default: that of the key that the path names, else all")
	cmd.Flags().IntVar(&f.limit, "limit", 0, "at most so many values; 0: all")
	cmd.ValidArgsFunction = f.completeWithin(func(d *client.Description) (names []string) {
		for _, p := range d.PStates {
			names = append(names, p.Name)
		}
		return names
	})
}

// selection is what the arguments name.
func (f *selectFlags) selection(args []string) client.Selection {
	s := client.Selection{Module: args[0], PState: args[1], Limit: f.limit}
	if len(args) > 2 {
		s.Path = args[2]
	}
	for _, id := range f.tasks {
		s.Tasks = append(s.Tasks, task.ID(id))
	}
	return s
}

const pathHelp = "A path is steps with points between them, each argument JSON:\n\n" +
	"  key(\"ann\")                                  the value or structure under a key\n" +
	"  key(\"ann\").rangeFrom(\"2024-01-01T00:00:00Z\", 10).entries\n" +
	"  vals.filter(field(\"Amount\") > 100).field(\"Customer\")\n" +
	"  keys.count\n\n" +
	"Without a path the whole PState is one value. docs/guides/clients.md lists the steps,\n'coppice describe MODULE' what a PState consists of."

// selectCommand reads PStates.
func selectCommand() *cobra.Command {
	var f selectFlags
	cmd := &cobra.Command{
		Use: "select MODULE PSTATE [PATH]", Short: "Read a PState of a running module along a path", Args: cobra.RangeArgs(2, 3),
		Long: "Read a PState of a running module along a path: committed data, and no more of it than the\npath leads through. Each value is printed on a line, as JSON; with --json in pages, each of\n" +
			"one moment, with the task and the commit that it is of.\n\n" + pathHelp,
		Example: "  coppice select Words counts 'key(\"be\")'\n  coppice select Words counts 'entries' --limit 20\n  coppice select Shop orders 'key(\"ann\").rangeToEnd(5).vals' --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.use(cmd.Context(), func(c *client.Client) error {
				out := cmd.OutOrStdout()
				for page, err := range c.Select(cmd.Context(), f.selection(args)) {
					if err == nil {
						err = printPage(out, &page, f.json)
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	f.registerSelect(cmd)
	return cmd
}

// printPage prints the values of a page, or with asJSON the page on one line.
func printPage(out io.Writer, page *client.SelectedPage, asJSON bool) error {
	if asJSON {
		return printLine(out, page)
	}
	for _, v := range page.Values {
		if _, err := fmt.Fprintf(out, "%s\n", legibleJSON(v)); err != nil {
			return err
		}
	}
	return nil
}

// printLine prints something as JSON on one line.
func printLine(out io.Writer, v any) error {
	return encoded(out, v, "", false)
}

// watchCommand prints what changes.
func watchCommand() *cobra.Command {
	var f selectFlags
	var options client.WatchOptions
	var changes int
	cmd := &cobra.Command{
		Use: "watch MODULE PSTATE [PATH]", Short: "Print what a path leads to, and what changes of it", Args: cobra.RangeArgs(2, 3),
		Long: "Print what a path leads to, and then each change of it, until it is interrupted: + before values\nthat have come, - before those that have gone. What holds after the last commit is\n" +
			"printed, always; values in between may be left out, where commits come faster than they are\nread. A watch holds up to 1,000 values.\n\n" + pathHelp,
		Example: "  coppice watch Words counts 'key(\"be\")'\n  coppice watch Words counts entries --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.use(cmd.Context(), func(c *client.Client) error {
				seen := 0
				for change, err := range c.WatchSelection(cmd.Context(), f.selection(args), options) {
					if err != nil {
						return err
					}
					if err := printChange(cmd.OutOrStdout(), &change, f.json); err != nil {
						return err
					}
					if seen++; seen == changes {
						return nil
					}
				}
				return nil
			})
		},
	}
	f.registerSelect(cmd)
	cmd.Flags().DurationVar(&options.Period, "period", 50*time.Millisecond, "how often to look whether something was committed")
	cmd.Flags().IntVar(&changes, "changes", 0, "end after so many changes, the first value counted; 0: never")
	return cmd
}

func printChange(out io.Writer, change *client.SelectionChange, asJSON bool) error {
	if asJSON {
		return printLine(out, change)
	}
	for _, v := range change.Removed {
		if _, err := fmt.Fprintf(out, "- %s\n", legibleJSON(v)); err != nil {
			return err
		}
	}
	for _, v := range change.Added {
		if _, err := fmt.Fprintf(out, "+ %s\n", legibleJSON(v)); err != nil {
			return err
		}
	}
	return nil
}

// queryCommand asks queries.
func queryCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use: "query MODULE QUERY [JSON]", Short: "Ask a query of a running module", Args: cobra.RangeArgs(2, 3),
		Long:    "Ask a query of a running module, with its argument as JSON, and print the answer as JSON. Without\nan argument it is null. 'coppice describe MODULE' lists the queries with their types.",
		Example: "  coppice query Shop spent '\"ann\"'",
		RunE: func(cmd *cobra.Command, args []string) error {
			argument := []byte("null")
			if len(args) > 2 {
				argument = []byte(args[2])
			}
			if !json.Valid(argument) {
				return fmt.Errorf("%s is no JSON; a text is in quotes: '\"%s\"'", args[2], args[2])
			}
			return r.use(cmd.Context(), func(c *client.Client) error {
				answer, err := c.SendQuestion(cmd.Context(), module.Question{Module: args[0], Query: args[1], Argument: argument})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", legibleJSON(answer))
				return err
			})
		},
	}
	r.register(cmd)
	cmd.ValidArgsFunction = r.completeWithin(func(d *client.Description) (names []string) {
		for _, q := range d.Queries {
			names = append(names, q.Name)
		}
		return names
	})
	return cmd
}

package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/task"
)

// modulesCommand lists modules.
func modulesCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use: "modules", Short: "List the modules that have run on these servers", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.useLog(cmd.Context(), func(c *client.Client, log depot.Log) error {
				modules, err := c.Modules(cmd.Context())
				if err == nil {
					err = mayLook(cmd.Context(), log, len(modules))
				}
				if err != nil {
					return err
				}
				return list(&r, cmd.OutOrStdout(), modules, "no module has run on these servers", "MODULE TASKS TOPOLOGIES DEPOTS PSTATES", func(m client.ModuleInfo) []string {
					if m.Error != "" {
						return []string{m.Name, "?", m.Error, "", ""}
					}
					return []string{m.Name, strconv.Itoa(m.Tasks), strings.Join(m.Topologies, ","), strings.Join(m.Depots, ","), strings.Join(m.PStates, ",")}
				})
			})
		},
	}
	r.register(cmd)
	cmd.AddCommand(removeCommand())
	return cmd
}

// tasksCommand shows the tasks of a module, and has one built anew.
func tasksCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: "tasks", Short: "List the tasks of a module, and have one built anew"}
	r.register(cmd)
	var yes bool
	rebuild := &cobra.Command{
		Use: "rebuild MODULE TASK", Short: "Let a task begin anew whose slot was emptied", Args: cobra.ExactArgs(2),
		Long: "Let a task begin anew whose slot was emptied: the store lost all its data, and the task has\nhalted for that reason. Its PStates are built once more from its depots, as far as those go\n" +
			"back, and every event that it sends to other tasks takes effect there again. Restoring the\nstore from a backup is better, where that can be done.",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.Atoi(args[1])
			if err != nil {
				return fmt.Errorf("%q is no number of a task", args[1])
			}
			return r.use(cmd.Context(), func(c *client.Client) error {
				switch tasks, err := c.Tasks(cmd.Context(), args[0]); {
				case err != nil:
					return err
				case id < 0 || id >= len(tasks):
					return fmt.Errorf("module %s has the tasks 0 to %d, not %d", args[0], len(tasks)-1, id)
				case !tasks[id].Empty:
					return fmt.Errorf("module %s task %d: %w: there is nothing to rebuild", args[0], id, client.ErrNotEmpty)
				case !yes:
					return errors.New("events that the task sends to others take effect there again; say --yes if that is wanted")
				}
				if err := c.RebuildTask(cmd.Context(), args[0], task.ID(id)); err != nil {
					return err
				}
				if r.json {
					return printLine(cmd.OutOrStdout(), struct {
						Module string `json:"module"`
						Task   int    `json:"task"`
						State  string `json:"state"`
					}{args[0], id, "begins anew"})
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "task %d of %s begins anew\n", id, args[0])
				return err
			})
		},
	}
	rebuild.Flags().BoolVar(&yes, "yes", false, "do it")
	cmd.AddCommand(
		&cobra.Command{
			Use: "list MODULE", Short: "List the tasks of a module with their owners", Args: cobra.ExactArgs(1), ValidArgsFunction: r.completeModules,
			RunE: func(cmd *cobra.Command, args []string) error {
				return r.use(cmd.Context(), func(c *client.Client) error {
					tasks, err := ownedTasks(cmd.Context(), c, args[0])
					if err != nil {
						return err
					}
					return listTasks(&r, cmd.OutOrStdout(), tasks)
				})
			},
		},
		rebuild,
	)
	return cmd
}

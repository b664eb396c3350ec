package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
)

// removeCommand takes a module out of what is known.
func removeCommand() *cobra.Command {
	var r remote
	var yes bool
	cmd := &cobra.Command{
		Use: "remove MODULE", Short: "Take a module that no worker runs out of the list", Args: cobra.ExactArgs(1),
		Long: "Take a module that no worker runs out of the list: clients do not find it any more. A module\nthat others mirror is not removed; they are named. Its data stay, in its topics\n" +
			"coppice.MODULE.* and under its keys in the store: a module that is launched under its name\ngoes on with them.",
		ValidArgsFunction: r.completeModules,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return errors.New("clients do not find the module any more; say --yes if that is wanted")
			}
			return r.use(cmd.Context(), func(c *client.Client) error {
				if err := c.RemoveModule(cmd.Context(), args[0]); err != nil {
					return err
				}
				if r.json {
					return printLine(cmd.OutOrStdout(), struct {
						Module string `json:"module"`
						State  string `json:"state"`
					}{args[0], "removed"})
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "module %s is removed; its data stay\n", args[0])
				return err
			})
		},
	}
	r.register(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return cmd
}

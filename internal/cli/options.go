package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/settings"
)

// optionsCommand reads and sets the options of running modules.
func optionsCommand() *cobra.Command {
	var r remote
	var scope client.OptionScope
	cmd := &cobra.Command{
		Use:   "options",
		Short: "List, read and set the options of a running module",
		Long: "List, read and set the options of a running module.\n\nWhat is set takes effect at once and is kept over restarts. An option that may be set for\n" +
			"a topology or a depot counts there before the module's value. docs/reference/options.md\ndescribes each.\n\n" +
			"What is not set is as each worker was started (worker.Config.Options): the default, which is\nwhat is shown, unless its program says otherwise.",
	}
	r.register(cmd)
	cmd.PersistentFlags().StringVar(&scope.Topology, "topology", "", "for this topology of the module")
	cmd.PersistentFlags().StringVar(&scope.Depot, "depot", "", "for this depot of the module")
	cmd.AddCommand(
		&cobra.Command{
			Use: "list MODULE", Short: "List all options and what holds", Args: cobra.ExactArgs(1), ValidArgsFunction: completeOptions(&r),
			RunE: func(cmd *cobra.Command, args []string) error {
				return r.use(cmd.Context(), func(c *client.Client) error {
					values, err := c.Options(cmd.Context(), args[0], scope)
					if err != nil {
						return err
					}
					return list(&r, cmd.OutOrStdout(), values, "", "OPTION VALUE UNIT FROM", func(v client.OptionValue) []string {
						return []string{v.Name, v.Value, v.Unit, v.From}
					})
				})
			},
		},
		&cobra.Command{
			Use: "get MODULE OPTION", Short: "Print the value of an option", Args: cobra.ExactArgs(2), ValidArgsFunction: completeOptions(&r),
			RunE: func(cmd *cobra.Command, args []string) error {
				return r.use(cmd.Context(), func(c *client.Client) error {
					v, err := c.Option(cmd.Context(), args[0], scope, args[1])
					if err != nil {
						return err
					}
					if r.json {
						return printJSON(cmd.OutOrStdout(), v)
					}
					if _, err := fmt.Fprintln(cmd.OutOrStdout(), legible(v.Value)); err != nil || v.From != "default" {
						return err
					}
					_, err = fmt.Fprintf(cmd.ErrOrStderr(), "note: %s is not set: this is the default, and a worker may have been started with another\n", v.Name)
					return err
				})
			},
		},
		&cobra.Command{
			Use: "set MODULE OPTION VALUE", Short: "Set an option", Args: cobra.ExactArgs(3), ValidArgsFunction: completeOptions(&r),
			Example: "  coppice options set WordCount topology.stream.timeout.seconds 10\n  coppice options set WordCount store.durability 'replicated 1'",
			RunE: func(cmd *cobra.Command, args []string) error {
				return r.set(cmd, scope, args[0], args[1], args[2])
			},
		},
		&cobra.Command{
			Use: "unset MODULE OPTION", Short: "Take a setting back", Args: cobra.ExactArgs(2), ValidArgsFunction: completeOptions(&r),
			RunE: func(cmd *cobra.Command, args []string) error {
				return r.set(cmd, scope, args[0], args[1], "")
			},
		},
	)
	return cmd
}

// completeOptions offers modules, and then the options.
func completeOptions(r *remote) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) != 1 {
			return r.completeModules(cmd, args, typed)
		}
		var names []string
		for _, o := range settings.All() {
			names = append(names, o.Name+"\t"+o.Doc)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// set sets an option and prints what holds then.
func (r *remote) set(cmd *cobra.Command, scope client.OptionScope, module, name, value string) error {
	ctx := cmd.Context()
	return r.use(ctx, func(c *client.Client) error {
		before, err := c.Option(ctx, module, scope, name)
		if err != nil {
			return err
		}
		e := client.AuditEntry{Did: "setOption", Subject: name + scopeText(scope), Before: before.Value, After: value}
		if value == "" {
			e.Did, e.After = "unsetOption", before.Default
		}
		if err := noted(ctx, c, module, e, c.SetOption(ctx, module, scope, name, value)); err != nil {
			return err
		}
		v, err := c.Option(ctx, module, scope, name)
		if err != nil {
			return err
		}
		for _, text := range c.OptionWarnings(ctx, name, v.Value) {
			if _, err := fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", legible(text)); err != nil {
				return err
			}
		}
		if r.json {
			return printJSON(cmd.OutOrStdout(), v)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is %s now (%s)\n", v.Name, legible(v.Value), v.From)
		return err
	})
}

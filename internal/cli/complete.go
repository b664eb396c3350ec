package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
)

// completeTimeout bounds how long a shell waits for the servers.
const completeTimeout = 2 * time.Second

// completeModules offers the modules that run.
func (r *remote) completeModules(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return r.complete(cmd, func(ctx context.Context, c *client.Client) (names []string, err error) {
		modules, err := c.Modules(ctx)
		for _, m := range modules {
			names = append(names, m.Name)
		}
		return names, err
	})
}

// completeWithin offers the modules first, and then what a module has.
func (r *remote) completeWithin(names func(*client.Description) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return r.completeModules(cmd, args, typed)
		case 1:
			return r.complete(cmd, func(ctx context.Context, c *client.Client) ([]string, error) {
				d, err := c.Describe(ctx, args[0])
				if err != nil {
					return nil, err
				}
				return names(&d), nil
			})
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// complete asks the servers; where they do not answer nothing is offered.
func (r *remote) complete(cmd *cobra.Command, ask func(context.Context, *client.Client) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	var names []string
	err := r.use(ctx, func(c *client.Client) (err error) {
		names, err = ask(ctx, c)
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/console"
	"github.com/coppice-run/coppice/overview"
)

// consoleCommand serves the console.
func consoleCommand() *cobra.Command {
	var r remote
	var listen string
	var timeout time.Duration
	var access accessOptions
	cmd := &cobra.Command{
		Use: "console", Short: "Serve the console: see what modules do, and what waits for what", Args: cobra.NoArgs,
		Long: "Serve the console of all modules that run on these servers, for a browser, and the HTTP API beside\nit. docs/guides/console.md shows its pages.\n\n" +
			"Without --client-ca whoever reaches the address may do everything: it has to be this machine's own\nthen, unless --open says that something before it knows who asks. A browser shows a certificate; tokens are for programs.\nWhat is changed stands in the module's audit log.",
		Example: "  coppice console --listen 127.0.0.1:8090",
		RunE: func(cmd *cobra.Command, _ []string) error {
			access.bodyTimeout = timeout + headerTimeout
			if _, _, err := access.guard(listen); err != nil {
				return err
			}
			return r.use(cmd.Context(), func(c *client.Client) error { return r.serveConsole(cmd, c, listen, timeout, &access) })
		},
	}
	r.register(cmd)
	access.register(cmd.Flags())
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8090", "host:port to listen on; port 0: any that is free")
	cmd.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "how long a page or a change may take; watches have no end")
	return cmd
}

func (r *remote) serveConsole(cmd *cobra.Command, c *client.Client, listen string, timeout time.Duration, access *accessOptions) error {
	guard, config, err := access.guard(listen)
	if err != nil {
		return err
	}
	look := overview.New(overview.Config{Cluster: c})
	handler, err := console.New(console.Config{Client: c, Overview: look, Timeout: timeout, Authorize: authorize, Who: whoAsks})
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", listen, err)
	}
	if r.json {
		err = printLine(cmd.OutOrStdout(), struct {
			Address string `json:"address"`
		}{listener.Addr().String()})
	} else {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "the console is at %s://%s/\n", access.scheme(), listener.Addr())
	}
	watching, stop := context.WithCancel(cmd.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		look.Watch(watching)
	}()
	err = errors.Join(err, serveUntil(cmd.Context(), listener, guard.Server(handler, config)))
	stop()
	<-watched
	return err
}

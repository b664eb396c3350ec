package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/httpapi"
)

// How long a server waits for those who are slow.
const (
	headerTimeout   = 10 * time.Second
	shutdownTimeout = 10 * time.Second
)

// serveCommand serves the HTTP API.
func serveCommand() *cobra.Command {
	var r remote
	var listen string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the HTTP API of all running modules", Args: cobra.NoArgs,
		Long: "Serve the HTTP API of all modules that run on these servers: appends, selects, watches, options.\ndocs/reference/http.md lists the operations, GET /v1/openapi.json describes them.\n\n" +
			"Whoever reaches the address may do everything: it is this machine's own unless --listen says\notherwise, and belongs behind something that knows who asks.",
		Example: "  coppice serve --listen 127.0.0.1:8080\n  curl 'http://127.0.0.1:8080/v1/modules'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.use(cmd.Context(), func(c *client.Client) error {
				api, err := httpapi.New(httpapi.Config{Client: c, Timeout: timeout})
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
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "serving http://%s/v1/\n", listener.Addr())
				}
				return errors.Join(err, serveUntil(cmd.Context(), listener, api, timeout))
			})
		},
	}
	r.register(cmd)
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "host:port to listen on; port 0: any that is free")
	cmd.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "how long a request may take; watches have no end")
	return cmd
}

// serveUntil serves until ctx ends; watches end with it, other requests are finished.
func serveUntil(ctx context.Context, listener net.Listener, h http.Handler, timeout time.Duration) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: timeout + headerTimeout, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(waiting)
	<-ended
	return errors.Join(err, ctx.Err())
}

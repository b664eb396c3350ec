package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/httpapi"
	"github.com/coppice-run/coppice/httpauth"
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
	var access accessOptions
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the HTTP API of all running modules", Args: cobra.NoArgs,
		Long: "Serve the HTTP API of all modules that run on these servers: appends, selects, watches, options.\ndocs/reference/http.md lists the operations, GET /v1/openapi.json describes them.\n\n" +
			"Without --tokens and --client-ca whoever reaches the address may do everything: it has to be\nthis machine's own then, unless --open says that something before it knows who asks.",
		Example: "  coppice serve --listen 127.0.0.1:8080\n  curl 'http://127.0.0.1:8080/v1/modules'\n" +
			"  coppice serve --listen 0.0.0.0:8443 --cert server.pem --key server.key --tokens tokens\n  curl -H \"Authorization: Bearer $TOKEN\" 'https://server:8443/v1/modules'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			access.bodyTimeout = timeout + headerTimeout
			guard, config, err := access.guard(listen)
			if err != nil {
				return err
			}
			return r.use(cmd.Context(), func(c *client.Client) error {
				api, err := httpapi.New(httpapi.Config{Client: c, Timeout: timeout, Authorize: authorize, Who: whoAsks})
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
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "serving %s://%s/v1/\n", access.scheme(), listener.Addr())
				}
				return errors.Join(err, serveUntil(cmd.Context(), listener, guard.Server(api, config)))
			})
		},
	}
	r.register(cmd)
	access.register(cmd.Flags())
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "host:port to listen on; port 0: any that is free")
	cmd.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "how long a request may take; watches have no end")
	return cmd
}

// authorize has the API ask for the role that a request needs.
func authorize(r *http.Request, a httpapi.Access) error {
	return httpauth.Allow(r.Context(), a.Changes)
}

// whoAsks names who asks for the audit log: the token's or the certificate's name, else the address.
func whoAsks(r *http.Request) string {
	return cmp.Or(httpauth.From(r.Context()).Name, httpapi.RemoteHost(r))
}

// serveUntil serves until ctx ends; watches end with it, other requests are finished. It returns
// nil then: to be told to end is how a server ends.
func serveUntil(ctx context.Context, listener net.Listener, server *http.Server) error {
	server.BaseContext = func(net.Listener) context.Context { return ctx }
	ended := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			ended <- server.ServeTLS(listener, "", "")
		} else {
			ended <- server.Serve(listener)
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(waiting)
	<-ended
	return err
}

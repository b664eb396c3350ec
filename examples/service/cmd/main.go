// Command service runs the example service on real servers, which the environment names
// as docs/security.md says: COPPICE_KAFKA, COPPICE_REDIS and so on; HTTP_LISTEN is where
// requests come (default 127.0.0.1:8080), TASKS the number of tasks of a new module, DRAIN
// how long it serves after it was told to end. `service health` asks whether it is ready.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/coppice-run/coppice/connect"
	"github.com/coppice-run/coppice/examples/service"
	"github.com/coppice-run/coppice/kafkadepot"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	do := run
	if len(os.Args) > 1 && os.Args[1] == "health" {
		do = health
	}
	if err := do(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var servers connect.Config
	if err := servers.CompleteWorker(os.Getenv); err != nil {
		return err
	}
	logger := slog.Default()
	log, err := servers.Log(ctx, logger)
	if err != nil {
		return err
	}
	defer log.Close()
	state, err := servers.Store(ctx, logger)
	if err != nil {
		return err
	}
	defer state.Close()
	network, err := servers.Network(logger)
	if err != nil {
		return err
	}
	tasks, err := strconv.Atoi(or(os.Getenv("TASKS"), "4"))
	if err != nil {
		return fmt.Errorf("TASKS: %w", err)
	}
	drain, err := time.ParseDuration(or(os.Getenv("DRAIN"), "0s"))
	if err != nil {
		return fmt.Errorf("DRAIN: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", or(os.Getenv("HTTP_LISTEN"), "127.0.0.1:8080"))
	if err != nil {
		return fmt.Errorf("HTTP_LISTEN: %w", err)
	}
	err = service.Run(ctx, service.Config{
		Log: log, Store: state, Network: network, Nominations: log.Group(kafkadepot.GroupConfig{}),
		Worker: servers.Workers.Listen, Listener: listener, Tasks: tasks, DrainFor: drain, Logger: logger,
		Tracing: noop.NewTracerProvider(), // here stands the provider that the program sets up
	})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// health is nil where the service on this machine is ready: an image without a shell has
// nothing else to ask by.
func health(ctx context.Context) error {
	_, port, err := net.SplitHostPort(or(os.Getenv("HTTP_LISTEN"), "127.0.0.1:8080"))
	if err != nil {
		return fmt.Errorf("HTTP_LISTEN: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/health/ready", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", answer.Status)
	}
	return nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

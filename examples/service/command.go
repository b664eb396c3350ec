package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/coppice-run/coppice/connect"
	"github.com/coppice-run/coppice/kafkadepot"
)

// Command is the command service: without arguments it serves on the servers that the
// environment names, until ctx ends; with the argument health it asks whether the service
// on this machine is ready.
func Command(ctx context.Context, args []string, telemetry Telemetry) error {
	switch {
	case len(args) == 0:
		return runHere(ctx, telemetry)
	case len(args) == 1 && args[0] == "health":
		return health(ctx)
	}
	return fmt.Errorf("there is no command %q: none, or health", args)
}

func runHere(ctx context.Context, telemetry Telemetry) error {
	var servers connect.Config
	if err := servers.CompleteWorker(os.Getenv); err != nil {
		return err
	}
	if telemetry.Wires != nil {
		servers.PrepareKafka, servers.PrepareRedis = telemetry.Wires.Kafka, telemetry.Wires.Redis
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
	err = Run(ctx, Config{
		Log: log, Store: state, Network: network, Nominations: log.Group(kafkadepot.GroupConfig{}),
		Worker: servers.Workers.Listen, Listener: listener, Tasks: tasks, DrainFor: drain, Logger: logger,
		Telemetry: telemetry,
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

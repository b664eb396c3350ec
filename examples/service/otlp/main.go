// Command otlp is the example service with telemetry/export: spans and metrics go by OTLP over
// HTTP to where OTEL_EXPORTER_OTLP_ENDPOINT says, such as http://collector:4318; where it says
// nothing, nothing is sent. Metrics are at /metrics, too, for Prometheus: of the tasks, and of the
// connections to Kafka (kotel) and Redis (redisotel). TRACE_EVERY is of how many records one has
// spans, beside those that fail, are tried again, parked or slow (default 1,000; 1: all). The rest
// is as of examples/service/cmd.
//
// It is a module of its own: the SDK and its exporters are the program's choice, and nothing
// that the library needs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/coppice-run/coppice/examples/service"
	"github.com/coppice-run/coppice/telemetry/export"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 { // a question to the service that runs: it tells nothing of itself
		return service.Command(ctx, args, service.Telemetry{})
	}
	wires, err := start(ctx, os.Getenv)
	if err != nil {
		return err
	}
	err = service.Command(ctx, args, telemetryOf(wires))
	// Who ends does not wait for a collector that is away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	return errors.Join(err, wires.Stop(ctx))
}

// flushTimeout bounds how long the last spans and metrics may take.
const flushTimeout = 3 * time.Second

// start starts the exporters that the environment asks for.
func start(ctx context.Context, env func(string) string) (*export.Telemetry, error) {
	config := export.Config{OTLP: strings.TrimSuffix(env("OTEL_EXPORTER_OTLP_ENDPOINT"), "/")}
	if text := env("TRACE_EVERY"); text != "" {
		var err error
		if config.Sample, err = strconv.Atoi(text); err != nil {
			return nil, fmt.Errorf("TRACE_EVERY: %q is no number of records", text)
		}
	}
	return export.Start(ctx, config)
}

// telemetryOf has the service use them for all it does.
func telemetryOf(wires *export.Telemetry) service.Telemetry {
	return service.Telemetry{Tracing: wires.Traces(), Wires: wires, Scrape: wires.Handler()}
}

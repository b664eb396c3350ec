// Command otlp is the example service with a provider of OpenTelemetry: its spans go by
// OTLP to where OTEL_EXPORTER_OTLP_ENDPOINT says, such as http://collector:4317; where it
// says nothing, nothing is traced. The rest is as of examples/service/cmd.
//
// It is a module of its own: the SDK and its exporter are the program's choice, and nothing
// that the library needs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/coppice-run/coppice/examples/service"
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
	provider, flush, err := tracing(ctx)
	if err != nil {
		return err
	}
	err = service.Command(ctx, args, provider)
	return errors.Join(err, flush(context.WithoutCancel(ctx)))
}

// flushTimeout bounds how long the last spans may take: who ends does not wait for a
// collector that is away.
const flushTimeout = 3 * time.Second

// tracing makes the provider; flush sends what it has not sent.
func tracing(ctx context.Context) (provider trace.TracerProvider, flush func(context.Context) error, err error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
		return noop.NewTracerProvider(), func(context.Context) error { return nil }, nil
	}
	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	own, err := resource.New(ctx, resource.WithFromEnv(), resource.WithHost(), resource.WithProcessPID())
	if err != nil {
		return nil, nil, fmt.Errorf("describing this process to OpenTelemetry: %w", err)
	}
	made := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(own))
	return made, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, flushTimeout)
		defer cancel()
		return made.Shutdown(ctx)
	}, nil
}

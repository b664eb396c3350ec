// Command otlp is the example service with providers of OpenTelemetry: its spans go by OTLP to
// where OTEL_EXPORTER_OTLP_ENDPOINT says, such as http://collector:4317; where it says nothing,
// nothing is traced. Metrics of its tasks are at /metrics, for Prometheus. The rest is as of
// examples/service/cmd.
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
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
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
	telemetry, flush, err := providers(ctx)
	if err != nil {
		return err
	}
	err = service.Command(ctx, args, telemetry)
	return errors.Join(err, flush(context.WithoutCancel(ctx)))
}

// flushTimeout bounds how long the last spans may take: who ends does not wait for a
// collector that is away.
const flushTimeout = 3 * time.Second

// providers makes them; flush sends what they have not sent.
func providers(ctx context.Context) (out service.Telemetry, flush func(context.Context) error, err error) {
	own, err := resource.New(ctx, resource.WithFromEnv(), resource.WithHost(), resource.WithProcessPID())
	if err != nil {
		return out, nil, fmt.Errorf("describing this process to OpenTelemetry: %w", err)
	}
	registry := prometheus.NewRegistry()
	pull, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return out, nil, fmt.Errorf("metrics for Prometheus: %w", err)
	}
	out.Meters = sdkmetric.NewMeterProvider(sdkmetric.WithResource(own), sdkmetric.WithReader(pull))
	out.Scrape = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
		out.Tracing = noop.NewTracerProvider()
		return out, func(context.Context) error { return nil }, nil
	}
	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		return out, nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(own))
	out.Tracing = traces
	return out, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, flushTimeout)
		defer cancel()
		return traces.Shutdown(ctx)
	}, nil
}

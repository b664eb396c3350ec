package export

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/telemetry"
)

// Config says where spans and metrics go.
type Config struct {
	// Service names the program to whoever looks. Default: what OTEL_SERVICE_NAME says, else
	// "coppice".
	Service string
	// OTLP is the URL of a collector that takes OTLP over HTTP, as http://collector:4318.
	// Empty: nothing is sent; the metrics are still there for Prometheus.
	OTLP string
	// Sample is of how many records one has spans, beside those that fail, are tried again,
	// are parked or slow. Default 1,000; 1: all; negative: none of the others.
	Sample int
	// Slow is how long a tree takes that always has a span. Default 1 s.
	Slow time.Duration
	// Period is how often metrics are sent by OTLP. Default 15 s.
	Period time.Duration
}

func (c Config) withDefaults() Config {
	if c.Sample == 0 {
		c.Sample = 1000
	}
	if c.Period == 0 {
		c.Period = 15 * time.Second
	}
	return c
}

// Telemetry is what spans and metrics go through. Stop ends it.
type Telemetry struct {
	config   Config
	traces   *sdktrace.TracerProvider
	meters   *sdkmetric.MeterProvider
	registry *prometheus.Registry
	spans    *telemetry.SpanMaker
	metrics  *telemetry.Metrics
	brokers  *brokerMeter
}

// Start makes the exporters. It does not wait for the collector: what cannot be sent is
// tried again for a while, and then dropped, which the OpenTelemetry SDK tells its error
// handler.
func Start(ctx context.Context, config Config) (*Telemetry, error) {
	config = config.withDefaults()
	about, err := about(config.Service)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{config: config, registry: prometheus.NewRegistry()}
	pull, err := otelprometheus.New(otelprometheus.WithRegisterer(t.registry))
	if err != nil {
		return nil, fmt.Errorf("export: metrics for Prometheus: %w", err)
	}
	bounds := limits()
	var ended sdktrace.SpanProcessor
	forTraces := []sdktrace.TracerProviderOption{sdktrace.WithResource(about), sdktrace.WithSampler(sampler(config.Sample)), sdktrace.WithRawSpanLimits(bounds)}
	forMeters := []sdkmetric.Option{sdkmetric.WithResource(about), sdkmetric.WithReader(pull)}
	if config.OTLP != "" {
		spans, err := encoding(ctx, otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(config.OTLP+"/v1/traces")))
		if err != nil {
			return nil, fmt.Errorf("export: spans to %s: %w", config.OTLP, err)
		}
		points, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(config.OTLP+"/v1/metrics"))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("export: metrics to %s: %w", config.OTLP, err), spans.Shutdown(ctx))
		}
		ended = gather(sdktrace.NewBatchSpanProcessor(spans))
		forTraces = append(forTraces, sdktrace.WithSpanProcessor(ended))
		forMeters = append(forMeters, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(points, sdkmetric.WithInterval(config.Period))))
	}
	t.traces, t.meters = sdktrace.NewTracerProvider(forTraces...), sdkmetric.NewMeterProvider(forMeters...)
	own := trace.TracerProvider(t.traces)
	if ended != nil && writes(bounds) {
		own = &writing{rest: t.traces, next: ended, about: about}
	}
	t.spans = telemetry.NewSpans(telemetry.SpanConfig{Provider: own, Every: config.Sample, Slow: config.Slow})
	if t.metrics, err = telemetry.NewMetrics(t.meters); err != nil {
		return nil, errors.Join(err, t.Stop(ctx))
	}
	t.brokers = newBrokerMeter(t.meters)
	if _, err = t.metrics.OnCollect(t.brokers.pass); err != nil {
		return nil, errors.Join(fmt.Errorf("export: metrics of Kafka: %w", err), t.Stop(ctx))
	}
	return t, nil
}

// limits are the SDK's, but for the links of a batch to its events, unless the environment bounds
// them (OTEL_SPAN_LINK_COUNT_LIMIT).
func limits() sdktrace.SpanLimits {
	l := sdktrace.NewSpanLimits()
	if os.Getenv("OTEL_SPAN_LINK_COUNT_LIMIT") == "" {
		l.LinkCountLimit = telemetry.LinksMax
	}
	return l
}

// Traces and Meters are the providers, for what else the program does.
func (t *Telemetry) Traces() trace.TracerProvider { return t.traces }

// Meters is that of metrics.
func (t *Telemetry) Meters() metric.MeterProvider { return t.meters }

// Handler answers Prometheus.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{})
}

// Registry is what Handler gives, for programs that have other metrics besides.
func (t *Telemetry) Registry() *prometheus.Registry { return t.registry }

// Flush sends what waits.
func (t *Telemetry) Flush(ctx context.Context) error {
	return errors.Join(t.traces.ForceFlush(ctx), t.meters.ForceFlush(ctx))
}

// Stop sends what waits, and ends. Stop workers and clients before.
func (t *Telemetry) Stop(ctx context.Context) error {
	return errors.Join(t.traces.Shutdown(ctx), t.meters.Shutdown(ctx))
}

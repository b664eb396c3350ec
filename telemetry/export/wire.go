package export

import (
	"context"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"go.opentelemetry.io/otel/trace/noop"

	"go.opentelemetry.io/otel/propagation"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/worker"
)

// Kafka has kotel count what goes to and comes from brokers, and make a span of the sending
// of each record that has one.
func (t *Telemetry) Kafka(config *kafkadepot.Config) {
	config.Hooks = append(config.Hooks, t.brokers)
	tracer := kotel.NewTracer(kotel.TracerProvider(within{t.traces}), kotel.TracerPropagator(propagation.TraceContext{}))
	config.ProducerHooks = append(config.ProducerHooks, producing(kotel.NewKotel(kotel.WithTracer(tracer)).Hooks())...)
}

// producing leaves the hooks of records that are sent.
func producing(hooks []kgo.Hook) (all []kgo.Hook) {
	for _, h := range hooks {
		if _, ok := h.(kgo.HookProduceRecordBuffered); ok {
			all = append(all, h)
		}
	}
	return all
}

// Redis has redisotel make spans of what belongs to a batch whose spans somebody asked for, by
// appending within a trace, or one of whose records was tried again, and count the connections
// of the pools.
func (t *Telemetry) Redis(config *redisstate.Config) {
	before := config.Instrument
	config.Instrument = func(c redis.UniversalClient, pooled bool) error {
		if before != nil {
			if err := before(c, pooled); err != nil {
				return err
			}
		}
		if pooled {
			return redisotel.InstrumentMetrics(c, redisotel.WithMeterProvider(t.meters))
		}
		// What is written is the users' data: it stays out of the spans.
		c.AddHook(outerHook{})
		err := redisotel.InstrumentTracing(c, redisotel.WithTracerProvider(within{t.traces}), redisotel.WithDBStatement(false), redisotel.WithCallerEnabled(false), redisotel.WithCommandsFilter(withoutSpan))
		c.AddHook(innerHook{})
		return err
	}
}

// Worker has a worker's tasks make spans and metrics, beside what listens already.
func (t *Telemetry) Worker(config *worker.Config) {
	config.Listener = runtime.Tee(config.Listener, t.spans.Listener(), t.metrics.Listener())
	config.Metrics, config.CommitContext = t.metrics, t.spans.CommitContext
}

// Client has a client's appends make spans.
func (t *Telemetry) Client(config *client.Config) { config.Tracing = t.traces }

// within makes spans only below others that are recorded: a client library else begins a
// trace of its own with each request.
type within struct{ trace.TracerProvider }

func (w within) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	return belowTracer{inner: w.TracerProvider.Tracer(name, options...)}
}

type belowTracer struct {
	embedded.Tracer
	inner trace.Tracer
}

func (t belowTracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return noop.NewTracerProvider().Tracer("").Start(ctx, name)
	}
	return t.inner.Start(ctx, name, options...)
}

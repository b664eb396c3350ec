package export

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/redis/go-redis/v9"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/redisstate"
)

// nobody are the options of a client that reaches no server, and does not look for one: go-redis
// resolves a name that is no address even where it dials by another way.
func nobody() *redis.Options {
	return &redis.Options{Addr: "127.0.0.1:1", Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody is there") }}
}

// instrumented is a client of Redis whose commands have spans, as a session's have; what they are
// below comes from tracer.
func instrumented(t *testing.T, options *redis.Options) (c *redis.Client, spans *tracetest.SpanRecorder, tracer trace.Tracer) {
	spans = tracetest.NewSpanRecorder()
	out := &Telemetry{traces: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))}
	c = redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	var config redisstate.Config
	out.Redis(&config)
	if err := config.Instrument(c, false); err != nil {
		t.Fatal(err)
	}
	return c, spans, out.traces.Tracer("")
}

package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
)

// The W3C trace context, whatever the program has set globally: depots are read
// by other programs than wrote them.
var w3c propagation.TraceContext

// Inject adds the trace context of ctx, if there is one, to a record's headers.
func Inject(ctx context.Context, headers []depot.Header) []depot.Header {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return headers
	}
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	for _, name := range [...]string{runtime.TraceParentHeader, runtime.TraceStateHeader} {
		if value := carrier[name]; value != "" {
			headers = append(headers, depot.Header{Key: name, Value: []byte(value)})
		}
	}
	return headers
}

// contextOf returns a context with a trace's span as the parent.
func contextOf(t *wire.Trace) context.Context {
	carrier := propagation.MapCarrier{runtime.TraceParentHeader: t.Parent}
	if t.State != "" {
		carrier[runtime.TraceStateHeader] = t.State
	}
	return w3c.Extract(context.Background(), carrier)
}

// traceOf returns what travels on with a span's context.
func traceOf(ctx context.Context) *wire.Trace {
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return &wire.Trace{Parent: carrier[runtime.TraceParentHeader], State: carrier[runtime.TraceStateHeader]}
}

// TraceID returns the trace id of a record's trace context, for logs; "" if it
// has none.
func TraceID(t *wire.Trace) string {
	if t == nil {
		return ""
	}
	if c := trace.SpanContextFromContext(contextOf(t)); c.IsValid() {
		return c.TraceID().String()
	}
	return ""
}

package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Beginning is what a span begins with.
type Beginning struct {
	Parent     trace.SpanContext // not valid: the span begins a trace of its own
	Name       string
	Kind       trace.SpanKind
	At         time.Time // zero: now
	Links      []trace.Link
	Attributes []attribute.KeyValue
}

// Starter is a tracer that begins spans without a context and options, each of which is an object
// or two that nobody needs later. It keeps neither links nor attributes: both are used again.
type Starter interface {
	Begin(Beginning) trace.Span
}

// Begin begins a span of a tracer, whether it is a Starter or not.
func Begin(t trace.Tracer, b Beginning) trace.Span {
	if s, ok := t.(Starter); ok {
		return s.Begin(b)
	}
	return BeginPlain(t, b)
}

// BeginPlain does so by a context and options.
func BeginPlain(t trace.Tracer, b Beginning) trace.Span {
	options := []trace.SpanStartOption{trace.WithSpanKind(b.Kind), trace.WithTimestamp(b.At), trace.WithLinks(b.Links...), trace.WithAttributes(b.Attributes...)}
	_, span := t.Start(trace.ContextWithSpanContext(context.Background(), b.Parent), b.Name, options...)
	return span
}

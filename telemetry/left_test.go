package telemetry

import (
	"context"
	"errors"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/coppice-run/coppice/runtime"
)

// noted makes spans that keep their attributes.
type noted struct {
	noop.TracerProvider
	spans []*notedSpan
}

func (n *noted) Tracer(string, ...trace.TracerOption) trace.Tracer { return &notedTracer{of: n} }

type notedTracer struct {
	noop.Tracer
	of *noted
}

func (t *notedTracer) Start(ctx context.Context, _ string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	config := trace.NewSpanStartConfig(options...)
	s := &notedSpan{has: map[attribute.Key]attribute.Value{}}
	s.SetAttributes(config.Attributes()...)
	t.of.spans = append(t.of.spans, s)
	return ctx, s
}

type notedSpan struct {
	noop.Span
	has map[attribute.Key]attribute.Value
}

func (s *notedSpan) SetAttributes(some ...attribute.KeyValue) {
	for _, a := range some {
		s.has[a.Key] = a.Value
	}
}

// The span of a handler that was left says of which record it is, whatever fails before the next
// one begins.
func TestALeftHandlersSpanIsOfItsRecord(t *testing.T) {
	t.Parallel()
	n := &noted{}
	l := Spans(SpanConfig{Provider: n, Every: 1})
	own := runtime.TaskInfo{Module: "Words", Task: 3}
	event := func(offset int64, err error) runtime.EventInfo {
		return runtime.EventInfo{TaskInfo: own, Topology: "words", Step: "lines", Source: "lines", Depot: "lines", Root: true, RootTask: 3, Attempt: 1, Offset: offset, Seed: uint64(offset), Err: err}
	}
	l.EventBegin(event(7, nil)) // and its task gives up its connection
	l.EventKept(event(99, errors.New("no luck")))
	l.EventBegin(event(8, nil))
	left, failed := n.spans[0].has, n.spans[1].has
	if left[Module].AsString() != "Words" || left["messaging.kafka.offset"].AsInt64() != 7 || !left[Left].AsBool() || left[Unsampled].AsBool() {
		t.Errorf("the span of the handler that was left has %v", left)
	}
	if failed[Module].AsString() != "Words" || failed["messaging.kafka.offset"].AsInt64() != 99 || failed[Left].AsBool() || !failed[Unsampled].AsBool() {
		t.Errorf("the span of the event that failed has %v", failed)
	}
}

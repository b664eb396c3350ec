package telemetry

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
)

// Listener returns a listener that makes spans of what tasks do. It may be
// shared by all tasks of a program.
func Listener(provider trace.TracerProvider) *runtime.Listener {
	s := &spans{tracer: provider.Tracer(Scope), tasks: map[runtime.TaskInfo]*taskSpans{}}
	return &runtime.Listener{
		EventBegin: s.eventBegin, EventEnd: s.eventEnd,
		BatchSent: s.batchSent, BatchCommitted: s.batchCommitted,
		RecordDone:   func(i runtime.RecordInfo) { s.record("done", i) },
		RecordFailed: func(i runtime.RecordInfo) { s.record("failed", i) },
		RecordParked: func(i runtime.RecordInfo) { s.record("parked", i) },
	}
}

type spans struct {
	tracer trace.Tracer
	mu     sync.Mutex
	tasks  map[runtime.TaskInfo]*taskSpans
}

// taskSpans are the spans that are open on one task. Events run one after
// another, and one commit is under way at a time.
type taskSpans struct {
	event trace.Span
	sent  time.Time
}

func (s *spans) task(i runtime.TaskInfo) *taskSpans {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[i]
	if t == nil {
		t = &taskSpans{}
		s.tasks[i] = t
	}
	return t
}

func taskAttributes(i runtime.TaskInfo, more ...attribute.KeyValue) trace.SpanStartEventOption {
	return trace.WithAttributes(append(more, attribute.String("coppice.module", i.Module), attribute.Int("coppice.task", int(i.Task)))...)
}

func (s *spans) eventBegin(i runtime.EventInfo) *wire.Trace {
	kind := trace.SpanKindInternal
	if i.Root {
		kind = trace.SpanKindConsumer
	}
	ctx, span := s.tracer.Start(contextOf(i.Trace), "event "+i.Step, trace.WithSpanKind(kind), taskAttributes(i.TaskInfo,
		attribute.String("coppice.topology", i.Topology), attribute.Int64("coppice.offset", i.Offset),
		attribute.Int("coppice.partition", int(i.RootTask)), attribute.Int("coppice.attempt", i.Attempt)))
	s.task(i.TaskInfo).event = span
	return traceOf(ctx)
}

func (s *spans) eventEnd(i runtime.EventInfo) {
	if i.Trace == nil {
		return
	}
	t := s.task(i.TaskInfo)
	if t.event == nil {
		return
	}
	t.event.SetAttributes(attribute.Int("coppice.hops", i.Children), attribute.Int("coppice.point_reads", i.Accesses.PointReads),
		attribute.Int("coppice.range_scans", i.Accesses.RangeScans), attribute.Int("coppice.elements", i.Accesses.Elements), attribute.Int("coppice.writes", i.Accesses.Writes))
	if i.Err != nil {
		t.event.SetStatus(codes.Error, i.Err.Error())
	}
	t.event.End()
	t.event = nil
}

func (s *spans) batchSent(i runtime.BatchInfo) {
	if len(i.Traces) > 0 {
		s.task(i.TaskInfo).sent = time.Now()
	}
}

// batchCommitted makes a span per traced event of the batch: one transaction
// serves many traces.
func (s *spans) batchCommitted(i runtime.BatchInfo) {
	if len(i.Traces) == 0 {
		return
	}
	t := s.task(i.TaskInfo)
	var options []trace.SpanStartOption
	if !t.sent.IsZero() {
		options = append(options, trace.WithTimestamp(t.sent))
	}
	t.sent = time.Time{}
	options = append(options, trace.WithSpanKind(trace.SpanKindClient), taskAttributes(i.TaskInfo,
		attribute.String("coppice.head", i.Head.String()), attribute.Int("coppice.events", i.Events), attribute.Int("coppice.fields", i.Fields)))
	for _, one := range i.Traces {
		_, span := s.tracer.Start(contextOf(one), "commit", options...)
		span.End()
	}
}

// record makes the span of the moment in which a record's attempt ended.
func (s *spans) record(how string, i runtime.RecordInfo) {
	if i.Trace == nil {
		return
	}
	_, span := s.tracer.Start(contextOf(i.Trace), how, taskAttributes(i.TaskInfo,
		attribute.String("coppice.topology", i.Topology), attribute.Int64("coppice.offset", i.Offset), attribute.Int("coppice.attempt", i.Attempt)))
	if i.Err != "" {
		span.SetStatus(codes.Error, i.Err)
	}
	span.End()
}

// StartAppend starts the span of an append and returns its context.
func StartAppend(ctx context.Context, provider trace.TracerProvider, depotName string) (context.Context, trace.Span) {
	return provider.Tracer(Scope).Start(ctx, "append "+depotName, trace.WithSpanKind(trace.SpanKindProducer))
}

// EndAppend ends it.
func EndAppend(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

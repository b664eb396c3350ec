package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// treeOver makes the span of a tree that is complete.
func (s *SpanMaker) treeOver(i runtime.RecordInfo) {
	i.Slow = s.config.Slow > 0 && i.Took >= s.config.Slow // others may count less as slow
	if !i.Slow && i.Attempt <= 1 && !i.Trace.Sampled() && (i.Trace != nil || !runtime.Sampled(i.Partition, i.Offset, s.config.Every)) {
		return
	}
	if i.Alone && !i.Slow && i.Attempt <= 1 {
		return // the spans of its event and its commit say all there is to say
	}
	s.record(TreeSpan, &i)
}

func (s *SpanMaker) recordFailed(i runtime.RecordInfo) {
	s.record(FailedSpan, &i)
	if i.Microbatch != 0 {
		return // recordRetried tells of the pause
	}
	t := s.task(i.TaskInfo)
	if len(t.retries) >= retriesMax {
		clear(t.retries) // of records that were never tried again here
	}
	t.retries[retryKey{i.Topology, i.Source, i.Offset}] = time.Now()
}

// recordRetried makes the span of the pause between two attempts at a microbatch: the events of the
// second are too many to follow.
func (s *SpanMaker) recordRetried(i runtime.RecordInfo) { s.record(RetrySpan, &i) }

func (s *SpanMaker) recordParked(i runtime.RecordInfo) {
	delete(s.task(i.TaskInfo).retries, retryKey{i.Topology, i.Source, i.Offset})
	s.record(ParkedSpan, &i)
}

func (s *SpanMaker) recordDropped(i runtime.RecordInfo) { s.record(DroppedSpan, &i) }

// record makes the span of an attempt's end: as long as its tree was open, if it had one.
func (s *SpanMaker) record(name string, i *runtime.RecordInfo) {
	record := recordName{i.Module, i.Depot, i.Partition, i.Offset}
	parent := forced(record, i.Trace)
	now := time.Now()
	attributes := record.attributes(make([]attribute.KeyValue, 0, 14))
	attributes = append(attributes, Module.String(i.Module), Task.Int(int(i.Task)), Topology.String(i.Topology), Source.String(i.Source), Attempt.Int(i.Attempt))
	if i.Microbatch != 0 {
		attributes = append(attributes, Microbatch.Int64(int64(i.Microbatch)))
	}
	if i.Slow {
		attributes = append(attributes, Slow.Bool(true))
	}
	if len(i.Tasks) > 0 {
		tasks := make([]int, len(i.Tasks))
		for n, id := range i.Tasks {
			tasks[n] = int(id)
		}
		attributes = append(attributes, Tasks.IntSlice(tasks))
	}
	if i.Pause > 0 {
		attributes = append(attributes, Pause.Float64(i.Pause.Seconds()))
	}
	span := Begin(s.tracer, Beginning{Parent: parent, Name: name, At: now.Add(-i.Took), Attributes: attributes})
	if i.Err != "" {
		fail(span, errors.New(i.Err))
	}
	span.End(trace.WithTimestamp(now))
}

// fail marks a span as failed, if there is an error.
func fail(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		span.SetAttributes(attribute.String("error.type", errorType(err)))
	}
}

// errorType is what errors are grouped by: their texts differ too much.
func errorType(err error) string {
	var panicked *runtime.PanicError
	if errors.As(err, &panicked) {
		return "panic"
	}
	return "error"
}

// StartAppend starts the span of an append and returns its context. depotName has that of
// the module before it, with a point between.
func StartAppend(ctx context.Context, provider trace.TracerProvider, depotName string) (context.Context, trace.Span) {
	return provider.Tracer(Scope).Start(ctx, AppendSpan+" "+depotName, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.name", "append"), attribute.String("messaging.operation.type", "send"),
		attribute.String("messaging.destination.name", depotName)))
}

// EndAppend ends it.
func EndAppend(span trace.Span, err error) {
	fail(span, err)
	span.End()
}

// attributes adds those of the semantic conventions for messages.
func (r recordName) attributes(some []attribute.KeyValue) []attribute.KeyValue {
	return append(append(some, processing...), destination(r.module, r.depot), partition(r.partition), offset(r.offset))
}

func destination(module, depot string) attribute.KeyValue {
	return attribute.String("messaging.destination.name", module+"."+depot)
}

func partition(id task.ID) attribute.KeyValue {
	return attribute.String("messaging.destination.partition.id", id.String())
}

func offset(n int64) attribute.KeyValue { return attribute.Int64("messaging.kafka.offset", n) }

package telemetry

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// batchSent notes when the commit of a batch with spans went out.
func (s *SpanMaker) batchSent(i runtime.BatchInfo) {
	t := s.task(i.TaskInfo)
	t.sent = nil
	links := linksTo(i.Followed)
	if len(links) == 0 {
		return
	}
	now := time.Now()
	begin := t.gathered
	if begin.IsZero() {
		begin = now
	}
	t.gathered = time.Time{}
	b := &sentBatch{sent: now, level: i.Level, about: []attribute.KeyValue{
		Module.String(i.Module), Task.Int(int(i.Task)), Head.String(i.Head.String()), Events.Int(i.Events), Fields.Int(i.Fields), Level.String(i.Level.String()),
	}}
	for n := range links {
		b.events = append(b.events, links[n].SpanContext)
	}
	_, b.span = s.tracer.Start(context.Background(), BatchSpan, trace.WithNewRoot(), trace.WithTimestamp(begin), trace.WithLinks(links...), trace.WithAttributes(b.about...))
	t.sent = b
}

// CommitContext is for worker.Config.CommitContext.
func (s *SpanMaker) CommitContext(ctx context.Context, i runtime.TaskInfo) context.Context {
	if b := s.task(i).sent; b != nil {
		return trace.ContextWithSpan(ctx, b.span)
	}
	return ctx
}

// linksTo are links to the events that have spans.
func linksTo(followed []runtime.Followed) (links []trace.Link) {
	for i := range followed {
		if one := followed[i].Trace; one.Sampled() {
			links = append(links, trace.Link{SpanContext: spanOf(one)})
		}
	}
	return links
}

// batchCommitted ends the spans of a batch that is confirmed.
func (s *SpanMaker) batchCommitted(i runtime.BatchInfo) {
	t := s.task(i.TaskInfo)
	b := t.sent
	t.sent = nil
	if i.Commit == nil {
		t.gathered = time.Time{} // its events had nothing to store
	}
	if b != nil {
		s.committed(b, nil, BatchSize.Int(i.Fields))
	}
}

// committed ends the span of a batch, and makes those of its transaction, one for each of its
// events and linked to the batch: one transaction serves many traces.
func (s *SpanMaker) committed(b *sentBatch, failure error, more ...attribute.KeyValue) {
	now := time.Now()
	about := slices.Concat(b.about, more, []attribute.KeyValue{attribute.String("db.system.name", "redis"), operation(b.level)})
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(b.sent), trace.WithAttributes(about...),
		trace.WithLinks(trace.Link{SpanContext: b.span.SpanContext()}),
	}
	for _, event := range b.events {
		_, exec := s.tracer.Start(below(event), ExecSpan, options...)
		fail(exec, failure)
		exec.End(trace.WithTimestamp(now))
	}
	fail(b.span, failure)
	b.span.End(trace.WithTimestamp(now))
}

// operation names what the store is asked for in one round trip: above level applied it
// waits for the level there.
func operation(l store.Level) attribute.KeyValue {
	text := "EXEC"
	switch {
	case l.Fsynced:
		text = "EXEC WAITAOF"
	case l.Replicas > 0:
		text = "EXEC WAIT"
	}
	return attribute.String("db.operation.name", text)
}

// dropped ends the spans of a task that gives up its connection.
func (s *SpanMaker) dropped(i runtime.DroppedInfo) {
	t := s.task(i.TaskInfo)
	t.leave()
	if b := t.sent; b != nil {
		s.committed(b, i.Cause)
	}
	t.sent, t.gathered = nil, time.Time{}
}

package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// batchSent notes when the commit of a batch with spans went out.
func (s *SpanMaker) batchSent(i runtime.BatchInfo) {
	t := s.task(i.TaskInfo)
	traces := sampledOf(i.Followed)
	if len(traces) == 0 {
		t.sent = nil
		return
	}
	now := time.Now()
	begin := t.gathered
	if begin.IsZero() {
		begin = now
	}
	t.gathered = time.Time{}
	links := make([]trace.Link, 0, len(traces))
	for _, one := range traces {
		links = append(links, trace.Link{SpanContext: trace.SpanContextFromContext(contextOf(one))})
	}
	b := &sentBatch{sent: now, traces: traces}
	b.ctx, b.span = s.tracer.Start(context.Background(), BatchSpan, trace.WithNewRoot(), trace.WithTimestamp(begin), trace.WithLinks(links...), trace.WithAttributes(
		Module.String(i.Module), Task.Int(int(i.Task)), Head.String(i.Head.String()), Events.Int(i.Events), Fields.Int(i.Fields), Level.String(i.Level.String())))
	t.sent = b
}

// CommitContext is for worker.Config.CommitContext.
func (s *SpanMaker) CommitContext(ctx context.Context, i runtime.TaskInfo) context.Context {
	if b := s.task(i).sent; b != nil {
		return trace.ContextWithSpan(ctx, b.span)
	}
	return ctx
}

func sampledOf(followed []runtime.Followed) (traces []*wire.Trace) {
	for i := range followed {
		if trace := followed[i].Trace; trace.Sampled() {
			traces = append(traces, trace)
		}
	}
	return traces
}

// batchCommitted makes a span of the batch, linked to its events, and one of the transaction
// for each of these: one transaction serves many traces.
func (s *SpanMaker) batchCommitted(i runtime.BatchInfo) {
	t := s.task(i.TaskInfo)
	b := t.sent
	t.sent = nil
	if i.Commit == nil {
		t.gathered = time.Time{} // its events had nothing to store
	}
	if b == nil {
		return
	}
	s.committed(i.TaskInfo, b, nil, i.Level, Head.String(i.Head.String()), Events.Int(i.Events), Fields.Int(i.Fields), BatchSize.Int(i.Fields))
}

// committed ends the span of a batch, and makes those of its transaction.
func (s *SpanMaker) committed(i runtime.TaskInfo, b *sentBatch, failure error, level store.Level, more ...attribute.KeyValue) {
	now := time.Now()
	own := append(more, Module.String(i.Module), Task.Int(int(i.Task)), attribute.String("db.system.name", "redis"), operation(level), Level.String(level.String()))
	for _, one := range b.traces {
		_, exec := s.tracer.Start(contextOf(one), ExecSpan, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(b.sent),
			trace.WithLinks(trace.LinkFromContext(b.ctx)), trace.WithAttributes(own...))
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
		s.committed(i.TaskInfo, b, i.Cause, store.Level{})
	}
	t.sent, t.gathered = nil, time.Time{}
}

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

// LinksMax bounds the events that the span of a batch is linked to: the first ones. It is more than
// a batch has, unless topology.stream.max.events.per.batch was raised. The provider of the
// spans has to allow as many: the SDK keeps the last 128 links of a span, unless it is told
// otherwise (sdktrace.WithRawSpanLimits).
const LinksMax = 10_000

// batchSent notes when the commit of a batch with spans went out.
func (s *SpanMaker) batchSent(i runtime.BatchInfo) {
	t := s.task(i.TaskInfo)
	t.sent = nil
	if len(i.Followed) == 0 {
		return
	}
	b := &sentBatch{level: i.Level, fields: i.Fields}
	b.events, b.chosen = t.spansOf(i.Followed)
	t.forget()
	if len(b.events) == 0 {
		return
	}
	b.sent = time.Now()
	begin := t.gathered
	if begin.IsZero() {
		begin = b.sent
	}
	t.gathered = time.Time{}
	linked := b.events[:min(len(b.events), LinksMax)]
	t.links = t.links[:0]
	for _, event := range linked {
		t.links = append(t.links, trace.Link{SpanContext: event})
	}
	b.span = Begin(s.tracer, Beginning{Name: BatchSpan, At: begin, Links: t.links})
	t.about = append(t.about[:0],
		Module.String(i.Module), Task.Int(int(i.Task)), Head.String(i.Head.String()), Events.Int(i.Events), Fields.Int(i.Fields), Level.String(i.Level.String()))
	b.span.SetAttributes(t.about...)
	t.sent = b
}

// spansOf are the spans of events that have some, and whether all of these are of chosen records.
func (t *taskSpans) spansOf(followed []runtime.Followed) (all []trace.SpanContext, chosen bool) {
	begun := t.begun // in the same order, with some between that failed
	chosen = true
	for i := range followed {
		one := followed[i].Trace
		if !one.Sampled() {
			continue
		}
		if n := slices.IndexFunc(begun, func(b begunSpan) bool { return b.trace == one }); n >= 0 {
			all = append(all, begun[n].span)
			chosen = chosen && begun[n].chosen
			begun = begun[n+1:]
		} else {
			all, chosen = append(all, spanOf(one)), false
		}
	}
	return all, chosen
}

// forget is about the events whose commit is under way, or is not to come.
func (t *taskSpans) forget() {
	clear(t.begun)
	t.begun = t.begun[:0]
}

// CommitContext is for worker.Config.CommitContext: what the store's client does for a commit
// is below the span of its batch, if somebody asked for the spans of one of its records, or
// one was tried again. Of the records that are chosen, one of so many, it would only say once more
// what the EXEC span says, and cost a quarter of all that they do.
func (s *SpanMaker) CommitContext(ctx context.Context, i runtime.TaskInfo) context.Context {
	if b := s.task(i).sent; b != nil && !b.chosen {
		return trace.ContextWithSpan(ctx, b.span)
	}
	return ctx
}

// batchCommitted ends the spans of a batch that is confirmed.
func (s *SpanMaker) batchCommitted(i runtime.BatchInfo) {
	t := s.task(i.TaskInfo)
	b := t.sent
	t.sent = nil
	if i.Commit == nil {
		t.gathered = time.Time{} // its events had nothing to store
		t.forget()
	}
	if b != nil {
		s.committed(t, b, nil)
	}
}

// committed ends the span of a batch, and makes those of its transaction, one for each of its
// events and linked to the batch: one transaction serves many traces.
func (s *SpanMaker) committed(t *taskSpans, b *sentBatch, failure error) {
	now := time.Now()
	end := []trace.SpanEndOption{trace.WithTimestamp(now)}
	t.links = append(t.links[:0], trace.Link{SpanContext: b.span.SpanContext()})
	t.about = append(t.about[:0], redisSystem, operation(b.level), BatchSize.Int(b.fields), Level.String(b.level.String()))
	for _, event := range b.events {
		exec := Begin(s.tracer, Beginning{Parent: event, Name: ExecSpan, Kind: trace.SpanKindClient, At: b.sent, Links: t.links})
		exec.SetAttributes(t.about...)
		fail(exec, failure)
		exec.End(end...)
	}
	fail(b.span, failure)
	b.span.End(end...)
}

var redisSystem = attribute.String("db.system.name", "redis")

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
		s.committed(t, b, i.Cause)
	}
	t.sent, t.gathered = nil, time.Time{}
	t.forget()
}

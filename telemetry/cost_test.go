package telemetry

import (
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// objectsMax is how many objects spans and kept trees may take for a sampled record that does not
// hop, with its batch: three of them are its spans.
const objectsMax = 18

// A batch of a busy task holds a sampled record or two, so what one costs is what sampling costs.
func TestASampledRecordTakesFewObjects(t *testing.T) {
	l := runtime.Tee(NewTrees(TreesConfig{Every: 1}).Listener(), Spans(SpanConfig{Provider: valid{}, Every: 1}))
	own := runtime.TaskInfo{Module: "Words", Task: 3, Address: "worker:1"}
	offset := int64(0)
	objects := testing.AllocsPerRun(100, func() {
		offset++
		event := runtime.EventInfo{TaskInfo: own, Topology: "words", Step: "sentences", Source: "sentences", Depot: "sentences", Root: true, RootTask: 3, Attempt: 1, Offset: offset, Seed: acker.Root(1, offset)}
		event.Trace = l.EventBegin(event)
		l.EventKept(event)
		batch := runtime.BatchInfo{TaskInfo: own, Events: 2000, Fields: 2000, Commit: &store.Batch{}, Followed: []runtime.Followed{{
			Topology: "words", Step: "sentences", Source: "sentences", Depot: "sentences", Root: true, RootTask: 3, Attempt: 1, Offset: offset, Seed: event.Seed, Trace: event.Trace,
		}}}
		batch.Head.Token[0], batch.Head.Number = 1, uint64(offset)
		l.BatchSent(batch)
		l.BatchCommitted(batch)
		l.TreeOver(runtime.RecordInfo{TaskInfo: own, Topology: "words", Source: "sentences", Depot: "sentences", Partition: 3, Attempt: 1, Offset: offset, Alone: true})
	})
	t.Logf("%.0f objects", objects)
	if objects > objectsMax {
		t.Errorf("a sampled record takes %.0f objects, want %d at most", objects, objectsMax)
	}
}

// valid makes spans that record nothing and have a sampled context, as the SDK's do.
type valid struct{ noop.TracerProvider }

func (valid) Tracer(string, ...trace.TracerOption) trace.Tracer { return validTracer{} }

type validTracer struct{ noop.Tracer }

// Begin makes one of a Beginning, as the tracer of package export does.
func (validTracer) Begin(b Beginning) trace.Span {
	return validSpan{context: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: b.Parent.TraceState()})}
}

type validSpan struct {
	noop.Span
	context trace.SpanContext
}

func (s validSpan) SpanContext() trace.SpanContext { return s.context }

package export_test

import (
	"testing"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/telemetry/export"
	"github.com/coppice-run/coppice/worker"
)

// The span of a batch is linked to all of its events that have spans, however many these are.
func TestABatchIsLinkedToAllItsEvents(t *testing.T) {
	t.Parallel()
	const events = 200
	c := newCollector(t)
	out, err := export.Start(t.Context(), export.Config{OTLP: c.url, Sample: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Stop(t.Context()) }()
	var w worker.Config
	out.Worker(&w)
	l, own := w.Listener, runtime.TaskInfo{Module: "Words", Task: 3, Address: "worker:1"}
	batch := runtime.BatchInfo{TaskInfo: own, Events: events, Fields: events, Commit: &store.Batch{}}
	batch.Head.Token[0] = 1
	for offset := range int64(events) {
		e := runtime.EventInfo{TaskInfo: own, Topology: "words", Step: "lines", Source: "lines", Depot: "lines", Root: true, RootTask: 3, Attempt: 1, Offset: offset, Seed: acker.Root(1, offset)}
		e.Trace = l.EventBegin(e)
		l.EventKept(e)
		batch.Followed = append(batch.Followed, runtime.Followed{
			Topology: "words", Step: "lines", Source: "lines", Depot: "lines", Root: true, RootTask: 3, Attempt: 1, Offset: offset, Seed: e.Seed, Trace: e.Trace,
		})
	}
	l.BatchSent(batch)
	l.BatchCommitted(batch)
	if err := out.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	span := c.only("batch")
	linked := map[string]bool{}
	for _, link := range span.Links {
		linked[string(link.SpanId)] = true
	}
	process := c.named("process")
	if len(process) != events || span.DroppedLinksCount != 0 {
		t.Errorf("%d spans of events, want %d; %d links were dropped", len(process), events, span.DroppedLinksCount)
	}
	for _, s := range process {
		if !linked[string(s.SpanId)] {
			t.Errorf("the batch is not linked to the event of record %s", value(s, "messaging.kafka.offset"))
		}
	}
}

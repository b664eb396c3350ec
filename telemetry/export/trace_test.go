package export_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	spanpb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/telemetry"
	"github.com/coppice-run/coppice/telemetry/export"
)

// A record over two hops is one trace at the collector: from the appender's span over the
// record's way to Kafka, its root event, each hop and event with its commit, to the end of
// its tree. Batches have traces of their own, linked to the events, with what goes to Redis.
func TestARecordOverTwoHopsIsOneTrace(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	m := &relay{}
	r := start(t, export.Config{OTLP: c.url, Sample: 1}, true, nil, m)
	if _, err := m.Lines.Append(t.Context(), r.client, "one"); err != nil {
		t.Fatal(err)
	}
	r.flush()
	root := c.only("append Relay.lines")
	if len(root.ParentSpanId) != 0 {
		t.Errorf("the append's span has a parent")
	}
	process, hop1, first, hop2, second, tree := c.only("process Relay.lines"), c.only("hop first"), c.only("event first"), c.only("hop second"), c.only("event second"), c.only("tree")
	produced := c.byID(process.ParentSpanId)
	if produced == nil || !strings.HasSuffix(produced.Name, "publish") {
		t.Fatalf("the parent of the root event is %v, want kotel's span of the sending; there are\n%s", produced, c)
	}
	c.below(produced, root)
	c.below(tree, produced)
	c.below(hop1, process)
	c.below(first, hop1)
	c.below(hop2, first)
	c.below(second, hop2)
	for key, want := range map[string]string{
		"messaging.system": "kafka", "messaging.operation.type": "process", "messaging.destination.name": "Relay.lines", "messaging.kafka.offset": "0",
		"coppice.module": "Relay", "coppice.topology": "relay", "coppice.source": "lines", "coppice.attempt": "1", "coppice.hops": "1",
	} {
		if got := value(process, key); got != want {
			t.Errorf("%s of the root event is %q, want %q", key, got, want)
		}
	}
	if process.Kind != spanpb.Span_SPAN_KIND_CONSUMER || root.Kind != spanpb.Span_SPAN_KIND_PRODUCER {
		t.Errorf("kinds %v and %v, want producer and consumer", root.Kind, process.Kind)
	}
	commits(t, c, second)
	documented(t, c)
}

// commits looks at the commit of an event: a span below it, linked to that of its batch,
// which is linked back, and has what redisotel saw below it.
func commits(t *testing.T, c *collector, event *spanpb.Span) {
	t.Helper()
	var exec *spanpb.Span
	for _, s := range c.named("EXEC") {
		if string(s.ParentSpanId) == string(event.SpanId) {
			exec = s
		}
	}
	if exec == nil || len(exec.Links) != 1 {
		t.Fatalf("the commit of %s is %v, want a span with a link", event.Name, exec)
	}
	if exec.Kind != spanpb.Span_SPAN_KIND_CLIENT || value(exec, "db.system.name") != "redis" || value(exec, "db.operation.name") != "EXEC" || value(exec, "coppice.durability") != "applied" {
		t.Errorf("the commit's span is %v", exec)
	}
	batch := c.byID(exec.Links[0].SpanId)
	if batch == nil || batch.Name != "batch" || len(batch.ParentSpanId) != 0 || string(batch.TraceId) == string(exec.TraceId) {
		t.Fatalf("the commit is linked to %v, want the batch, in a trace of its own", batch)
	}
	if !slices.ContainsFunc(batch.Links, func(l *spanpb.Span_Link) bool { return string(l.SpanId) == string(event.SpanId) }) {
		t.Errorf("the batch is not linked to %s", event.Name)
	}
	if !slices.ContainsFunc(c.named("redis.pipeline"), func(s *spanpb.Span) bool { return string(s.ParentSpanId) == string(batch.SpanId) }) {
		t.Errorf("no span of redisotel is below the batch; there are\n%s", c)
	}
}

// A record that is the one of so many has all its spans over each hop, but what redisotel would
// say of their commits once more.
func TestAChosenRecordHasNoSpansOfRedisotel(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	m := &relay{}
	done := make(chan struct{})
	r := start(t, export.Config{OTLP: c.url, Sample: 1}, false, &runtime.Listener{RecordDone: func(runtime.RecordInfo) { close(done) }}, m)
	if _, err := m.Lines.Append(t.Context(), r.client, "one"); err != nil {
		t.Fatal(err)
	}
	<-done
	r.flush()
	if events, execs, batches := len(c.named("event")), len(c.named("EXEC")), len(c.named("batch")); events != 2 || execs != 1 || batches != 1 {
		t.Errorf("%d spans of events, %d of commits, %d of batches, want 2, 1 and 1:\n%s", events, execs, batches, c)
	}
	if some := c.named("redis"); len(some) > 0 {
		t.Errorf("%d spans of redisotel, want none:\n%s", len(some), c)
	}
}

// documented compares the spans with the reference.
func documented(t *testing.T, c *collector) {
	t.Helper()
	for _, s := range c.named("") {
		have := telemetry.SpanAttributes(s.Name)
		if have == nil {
			continue // of the clients' libraries
		}
		for _, a := range s.Attributes {
			if !slices.ContainsFunc(have, func(k attributeKey) bool { return string(k) == a.Key }) {
				t.Errorf("span %s has the attribute %s, which the reference does not list for it", s.Name, a.Key)
			}
		}
	}
}

// A record that fails has its trace, whatever the sampling says: each attempt with its
// error, the pauses between, and the end.
func TestAFailingRecordsTraceShowsEachAttempt(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	m := &relay{fails: 2}
	done := make(chan struct{})
	r := start(t, export.Config{OTLP: c.url, Sample: -1}, false, &runtime.Listener{RecordDone: func(runtime.RecordInfo) { close(done) }}, m)
	var failed *client.FailedError
	if _, err := m.Lines.Append(t.Context(), r.client, "one"); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	<-done
	r.flush()
	tree := c.only("tree")
	if value(tree, "coppice.attempt") != "3" {
		t.Errorf("the tree that is complete is of attempt %s, want 3", value(tree, "coppice.attempt"))
	}
	var failures, events []string
	for _, s := range c.named("") {
		if string(s.TraceId) != string(tree.TraceId) && s.Name != "batch" && !strings.HasPrefix(s.Name, "redis") {
			t.Errorf("%s is of another trace", s.Name)
		}
		switch {
		case s.Name == "failed":
			failures = append(failures, value(s, "coppice.attempt")+" "+s.Status.Message)
		case s.Name == "event second":
			events = append(events, strings.Join([]string{value(s, "coppice.attempt"), s.Status.GetMessage(), value(s, "coppice.unsampled")}, " "))
		}
	}
	slices.Sort(failures)
	slices.Sort(events)
	if want := []string{"1 step second: no luck at attempt 1", "2 step second: no luck at attempt 2"}; !slices.Equal(failures, want) {
		t.Errorf("failed attempts %q, want %q", failures, want)
	}
	if want := []string{"1 no luck at attempt 1 true", "2 no luck at attempt 2 ", "3  "}; !slices.Equal(events, want) {
		t.Errorf("events of the last step %q, want %q", events, want)
	}
	if n := len(c.named("retry")); n != 2 {
		t.Errorf("%d pauses, want 2", n)
	}
	if n := len(c.named("process")); n != 2 {
		t.Errorf("%d root events, want those of attempts 2 and 3", n)
	}
	documented(t, c)
}

// Where the appender's trace is sampled its span is the root of all attempts: each failed
// one, each pause and each root event lies right below what the record came with.
func TestAllAttemptsAreBelowTheAppend(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	m := &relay{fails: 2}
	done := make(chan struct{})
	r := start(t, export.Config{OTLP: c.url, Sample: 1}, true, &runtime.Listener{RecordDone: func(runtime.RecordInfo) { close(done) }}, m)
	var failed *client.FailedError
	if _, err := m.Lines.Append(t.Context(), r.client, "one"); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	<-done
	r.flush()
	root := c.only("append Relay.lines")
	if len(root.ParentSpanId) != 0 {
		t.Error("the append's span has a parent")
	}
	produced := c.byID(c.only("tree").ParentSpanId)
	if produced == nil {
		t.Fatalf("the tree has no parent; there are\n%s", c)
	}
	c.below(produced, root)
	for name, n := range map[string]int{"process": 3, "failed": 2, "retry": 2, "event second": 3} {
		some := c.named(name)
		if len(some) != n {
			t.Errorf("%d spans %q, want %d; there are\n%s", len(some), name, n, c)
		}
		for _, s := range some {
			if name != "event second" {
				c.below(s, produced)
			}
			if value(s, "coppice.unsampled") != "" {
				t.Errorf("%s was followed, and its span does not say how long it took", s.Name)
			}
		}
	}
	for _, s := range c.named("event second") {
		hop := c.byID(s.ParentSpanId)
		if hop == nil || hop.Name != "hop second" || string(hop.TraceId) != string(root.TraceId) {
			t.Errorf("the parent of attempt %s of the last event is %v, want its hop", value(s, "coppice.attempt"), hop.GetName())
		}
	}
}

// A record that is put aside has its span, with the reason, whatever the sampling says.
func TestAParkedRecordHasItsSpan(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	m := &relay{fails: 9, attempts: 2}
	parked := make(chan struct{})
	r := start(t, export.Config{OTLP: c.url, Sample: -1}, false, &runtime.Listener{RecordParked: func(runtime.RecordInfo) { close(parked) }}, m)
	if _, err := m.Lines.Append(t.Context(), r.client, "one", module.Wait(module.AckAppend)); err != nil {
		t.Fatal(err)
	}
	<-parked
	r.flush()
	span := c.only("parked")
	if value(span, "coppice.attempt") != "2" || !strings.Contains(span.Status.GetMessage(), "no luck at attempt 2") {
		t.Errorf("the span says %v", span)
	}
	if attempt := c.only("failed"); string(attempt.TraceId) != string(span.TraceId) || value(attempt, "coppice.attempt") != "1" {
		t.Errorf("the attempt before is %v", attempt)
	}
	documented(t, c)
}

// A tree that took longer than what counts as slow has its span, whatever the sampling says.
func TestASlowTreeHasItsSpan(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	m := &relay{}
	r := start(t, export.Config{OTLP: c.url, Sample: -1, Slow: time.Nanosecond}, true, nil, m)
	if _, err := m.Lines.Append(t.Context(), r.client, "one"); err != nil {
		t.Fatal(err)
	}
	r.flush()
	if span := c.only("tree"); value(span, "coppice.slow") != "true" || value(span, "messaging.kafka.offset") != "0" {
		t.Errorf("the span says %v", span)
	}
	if all := c.named(""); len(all) != 1 {
		t.Errorf("there are others:\n%s", c)
	}
	documented(t, c)
}

// Records that end well at once have no spans where nothing is sampled.
func TestOthersHaveNoSpans(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	m := &relay{}
	r := start(t, export.Config{OTLP: c.url, Sample: -1, Slow: -1}, true, nil, m)
	for range 20 {
		if _, err := m.Lines.Append(t.Context(), r.client, "one"); err != nil {
			t.Fatal(err)
		}
	}
	r.flush()
	if all := c.named(""); len(all) > 0 {
		t.Errorf("there are spans:\n%s", c)
	}
}

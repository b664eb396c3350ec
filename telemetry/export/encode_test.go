package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// uploads is a client that keeps what it is to send, read back from the bytes.
type uploads struct {
	t      testing.TB
	got    []*tracepb.ResourceSpans
	failed error
	ended  bool
}

func (u *uploads) Start(context.Context) error { return nil }
func (u *uploads) Stop(context.Context) error  { u.ended = true; return nil }
func (u *uploads) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	for _, s := range spans {
		raw, err := proto.Marshal(s)
		if err != nil {
			u.t.Error(err)
		}
		back := &tracepb.ResourceSpans{}
		if err := proto.Unmarshal(raw, back); err != nil {
			u.t.Errorf("what is sent does not parse: %v", err)
		}
		u.got = append(u.got, back)
	}
	return u.failed
}

// drawer draws spans.
type drawer struct{ *rand.Rand }

func (d drawer) text() string {
	return strings.Repeat(string(rune('a'+d.IntN(26))), []int{0, 1, 5, 120, 130, 20_000}[d.IntN(6)])
}

func (d drawer) value(depth int) attribute.Value {
	switch d.IntN(12) {
	case 0:
		return attribute.BoolValue(d.IntN(2) == 0)
	case 1:
		return attribute.Int64Value([]int64{0, 1, -1, 127, 128, 1 << 40}[d.IntN(6)])
	case 2:
		return attribute.Float64Value([]float64{0, 1.5, -2e300}[d.IntN(3)])
	case 3:
		return attribute.BoolSliceValue([]bool{true, false}[:d.IntN(3)])
	case 4:
		return attribute.Int64SliceValue([]int64{0, -5}[:d.IntN(3)])
	case 5:
		return attribute.Float64SliceValue([]float64{0, 0.5}[:d.IntN(3)])
	case 6:
		return attribute.StringSliceValue([]string{"", d.text()}[:d.IntN(3)])
	case 7:
		return attribute.ByteSliceValue([]byte(d.text()))
	case 8:
		if depth > 0 {
			return attribute.SliceValue(d.value(depth-1), d.value(depth-1))
		}
	case 9:
		if depth > 0 {
			return attribute.MapValue(d.pairs(depth - 1)...)
		}
	case 10:
		return attribute.Value{}
	}
	return attribute.StringValue(d.text())
}

func (d drawer) pairs(depth int) (all []attribute.KeyValue) {
	for i := range d.IntN(4) {
		all = append(all, attribute.KeyValue{Key: attribute.Key(fmt.Sprint("key", i)), Value: d.value(depth)})
	}
	return all
}

func (d drawer) context() trace.SpanContext {
	if d.IntN(4) == 0 {
		return trace.SpanContext{}
	}
	c := trace.SpanContextConfig{TraceFlags: trace.TraceFlags(d.IntN(4)), Remote: d.IntN(2) == 0}
	for i := range c.TraceID {
		c.TraceID[i] = byte(d.IntN(256))
	}
	for i := range c.SpanID {
		c.SpanID[i] = byte(d.IntN(256))
	}
	if d.IntN(3) == 0 {
		c.TraceState, _ = trace.ParseTraceState("vendor=1,other=x")
	}
	return trace.NewSpanContext(c)
}

func (d drawer) time() time.Time { return time.Unix(0, d.Int64N(3)*1_700_000_000_000_000_001) }

// span draws one of some resources and scopes. No other has its name.
func (d drawer) span(name string, resources []*resource.Resource, scopes []instrumentation.Scope) tracetest.SpanStub {
	s := tracetest.SpanStub{
		Name: name, SpanContext: d.context(), Parent: d.context(), SpanKind: trace.SpanKind(d.IntN(7)), StartTime: d.time(), EndTime: d.time(),
		Attributes: d.pairs(2), Status: sdktrace.Status{Code: codes.Code(d.IntN(3)), Description: d.text()},
		DroppedAttributes: d.IntN(2) * 300, DroppedEvents: d.IntN(2), DroppedLinks: d.IntN(2),
		Resource: resources[d.IntN(len(resources))], InstrumentationScope: scopes[d.IntN(len(scopes))],
	}
	for range d.IntN(3) {
		s.Events = append(s.Events, sdktrace.Event{Name: d.text(), Time: d.time(), Attributes: d.pairs(1), DroppedAttributeCount: d.IntN(2)})
		s.Links = append(s.Links, sdktrace.Link{SpanContext: d.context(), Attributes: d.pairs(1), DroppedAttributeCount: d.IntN(2)})
	}
	return s
}

// sorted puts what has no order into one.
func sorted(all []*tracepb.ResourceSpans) []*tracepb.ResourceSpans {
	text := func(m proto.Message) string { return prototext.Format(m) }
	for _, r := range all {
		slices.SortFunc(r.ScopeSpans, func(a, b *tracepb.ScopeSpans) int { return cmp.Compare(text(a), text(b)) })
	}
	slices.SortFunc(all, func(a, b *tracepb.ResourceSpans) int { return cmp.Compare(text(a.Resource), text(b.Resource)) })
	return all
}

// What is sent says the same as what the library's exporter would send.
func TestSpansAreEncodedAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	scopes := []instrumentation.Scope{
		{}, {Name: "one"}, {Name: "one", Version: "2", SchemaURL: "https://example.org/1"}, {Name: "two", Attributes: attribute.NewSet(attribute.Int("n", 1))},
	}
	resources := []*resource.Resource{
		resource.Empty(), resource.NewSchemaless(attribute.String("service.name", "x")), resource.NewWithAttributes("https://example.org/2", attribute.String("service.name", "y"), attribute.Bool("b", false)),
	}
	for seed := range uint64(300) {
		d := drawer{rand.New(rand.NewPCG(seed, 1))}
		var stubs tracetest.SpanStubs
		for i := range d.IntN(20) {
			stubs = append(stubs, d.span(fmt.Sprint("span ", i), resources, scopes))
		}
		want, got := &uploads{t: t}, &uploads{t: t}
		library, err := otlptrace.New(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := encoding(t.Context(), got)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time into memory that is used again
			want.got, got.got = nil, nil
			if err := errors.Join(library.ExportSpans(t.Context(), stubs.Snapshots()), ours.ExportSpans(t.Context(), stubs.Snapshots())); err != nil {
				t.Fatal(err)
			}
			a, b := &tracepb.TracesData{ResourceSpans: sorted(want.got)}, &tracepb.TracesData{ResourceSpans: sorted(got.got)}
			if !proto.Equal(a, b) {
				t.Fatalf("seed %d: the library sends\n%s\nand we send\n%s", seed, prototext.Format(a), prototext.Format(b))
			}
		}
	}
}

// What the client says is what the processor of spans hears, and it is ended with the exporter.
func TestEncoderTellsWhatFails(t *testing.T) {
	t.Parallel()
	u := &uploads{t: t, failed: errors.New("no collector")}
	e, err := encoding(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	spans := tracetest.SpanStubs{{Name: "a"}, {Name: "b"}}.Snapshots()
	if err := e.ExportSpans(t.Context(), spans); !errors.Is(err, u.failed) || !strings.Contains(err.Error(), "2 spans") {
		t.Errorf("error %v", err)
	}
	if err := e.Shutdown(t.Context()); err != nil || !u.ended {
		t.Errorf("ended %t, error %v", u.ended, err)
	}
}

// quiet is a client that sends nothing.
type quiet struct{ uploads }

func (*quiet) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	for _, s := range spans {
		if _, err := proto.Marshal(s); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkExport exports 512 spans like those of a record that is followed.
func BenchmarkExport(b *testing.B) {
	var stubs tracetest.SpanStubs
	about := resource.NewSchemaless(attribute.String("service.name", "x"))
	d := drawer{rand.New(rand.NewPCG(1, 1))}
	for range 512 {
		s := tracetest.SpanStub{Name: "process Words.sentences", SpanContext: d.context(), Parent: d.context(), SpanKind: trace.SpanKindConsumer, StartTime: time.Now(), EndTime: time.Now(), Resource: about, InstrumentationScope: instrumentation.Scope{Name: "coppice"}}
		for i := range 14 {
			s.Attributes = append(s.Attributes, attribute.String(fmt.Sprint("messaging.attribute.", i), "some value"))
		}
		stubs = append(stubs, s)
	}
	spans := stubs.Snapshots()
	library, err := otlptrace.New(b.Context(), &quiet{})
	if err != nil {
		b.Fatal(err)
	}
	ours, err := encoding(b.Context(), &quiet{})
	if err != nil {
		b.Fatal(err)
	}
	for name, exporter := range map[string]sdktrace.SpanExporter{"library": library, "ours": ours} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := exporter.ExportSpans(b.Context(), spans); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/coppice-run/coppice/telemetry"
)

// exported has spans made by a provider of the SDK, or by one that writes them in its place, and
// returns what is sent, but for ids that were drawn.
func exported(t *testing.T, written bool, spans func(trace.Tracer)) []*tracepb.Span {
	got := &uploads{t: t}
	e, err := encoding(t.Context(), got)
	if err != nil {
		t.Fatal(err)
	}
	about := resource.NewSchemaless(attribute.String("service.name", "written"))
	ended := sdktrace.NewSimpleSpanProcessor(e)
	sdk := sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithSampler(sampler(1_000_000_000)), sdktrace.WithRawSpanLimits(limits()), sdktrace.WithSpanProcessor(ended))
	provider := trace.TracerProvider(sdk)
	if written {
		provider = &writing{rest: sdk, next: ended, about: about}
	}
	spans(provider.Tracer("scope", trace.WithInstrumentationVersion("1")))
	var all []*tracepb.Span
	for _, r := range got.got {
		if n := r.GetResource().GetAttributes(); len(n) != 1 || n[0].GetValue().GetStringValue() != "written" {
			t.Errorf("a span is of %v", n)
		}
		for _, s := range r.GetScopeSpans() {
			if s.GetScope().GetName() != "scope" || s.GetScope().GetVersion() != "1" {
				t.Errorf("a span is of scope %v", s.GetScope())
			}
			all = append(all, s.GetSpans()...)
		}
	}
	ids := map[string]string{}
	for _, s := range all {
		if len(s.GetSpanId()) != 8 || ids[string(s.GetSpanId())] != "" {
			t.Errorf("span %s has the id %x", s.GetName(), s.GetSpanId())
		}
		ids[string(s.GetSpanId())] = s.GetName()
	}
	for _, s := range all {
		if s.SpanId = nil; len(s.GetParentSpanId()) == 0 {
			s.TraceId = nil // it was drawn
		}
	}
	slices.SortFunc(all, func(a, b *tracepb.Span) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return all
}

// draw makes spans with all that a span can be told.
func (d drawer) draw(tracer trace.Tracer) {
	for n := range 300 {
		b := telemetry.Beginning{Parent: d.context(), Name: fmt.Sprint("span", n), Kind: trace.SpanKind(d.IntN(7)), At: d.time().Add(time.Second), Attributes: d.pairs(1)}
		for range d.IntN(3) {
			b.Links = append(b.Links, trace.Link{SpanContext: d.context(), Attributes: d.pairs(1)})
		}
		if d.IntN(10) == 0 {
			b.Parent, b.Name = trace.SpanContext{}, telemetry.BatchSpan // no other span is kept without a parent
		}
		var s trace.Span
		if d.IntN(2) == 0 {
			s = telemetry.Begin(tracer, b)
		} else {
			s = telemetry.BeginPlain(tracer, b)
		}
		s.SetAttributes(attribute.String("more", d.text()), attribute.Int("number", d.IntN(9)))
		for range d.IntN(3) {
			s.SetStatus(codes.Code(d.IntN(3)), d.text())
		}
		if d.IntN(3) == 0 {
			s.AddEvent("event"+d.text(), trace.WithTimestamp(d.time()), trace.WithAttributes(d.pairs(1)...))
			s.AddLink(trace.Link{SpanContext: d.context()})
		}
		if d.IntN(20) == 0 {
			s.SetName(fmt.Sprint("span", n, "again"))
		}
		s.End(trace.WithTimestamp(d.time().Add(time.Minute)))
		s.SetAttributes(attribute.String("late", "too"))
		s.End()
	}
}

func TestWrittenSpansSayWhatThoseOfTheSDKSay(t *testing.T) {
	for seed := range uint64(5) {
		make := func(tracer trace.Tracer) { drawer{rand.New(rand.NewPCG(seed, 1))}.draw(tracer) }
		want, have := exported(t, false, make), exported(t, true, make)
		if len(have) != len(want) || len(want) < 50 {
			t.Fatalf("%d spans are sent, and the SDK sends %d", len(have), len(want))
		}
		for n := range want {
			if a, b := prototext.Format(have[n]), prototext.Format(want[n]); a != b {
				t.Fatalf("a span is sent as\n%.2000s\nand the SDK sends\n%.2000s", a, b)
			}
		}
	}
}

func TestWhatIsNotSampledIsNotWritten(t *testing.T) {
	spans := exported(t, true, func(tracer trace.Tracer) {
		ctx, span := tracer.Start(context.Background(), "root")
		_, below := tracer.Start(ctx, "below")
		_, batch := tracer.Start(ctx, telemetry.BatchSpan, trace.WithNewRoot()) // without links
		for _, s := range []trace.Span{span, below, batch} {
			if s.SpanContext().IsSampled() || s.IsRecording() {
				t.Errorf("%v is sampled", s.SpanContext())
			}
			s.End()
		}
	})
	if len(spans) > 0 {
		t.Errorf("%v are sent", spans)
	}
}

func TestAWrittenSpanIsAParentAndToldOfErrors(t *testing.T) {
	spans := exported(t, true, func(tracer trace.Tracer) {
		ctx := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled}))
		ctx, above := tracer.Start(ctx, "above")
		_, below := tracer.Start(ctx, "below")
		if !above.IsRecording() || below.SpanContext().TraceID() != above.SpanContext().TraceID() {
			t.Error("the span below is of another trace")
		}
		below.RecordError(errors.New("no"))
		below.End()
		above.End()
		if above.IsRecording() {
			t.Error("a span that has ended goes on")
		}
	})
	if len(spans) != 2 || len(spans[0].GetParentSpanId()) == 0 || len(spans[1].GetParentSpanId()) == 0 {
		t.Fatalf("sent are %v", spans)
	}
	below := spans[1]
	if e := below.GetEvents(); len(e) != 1 || e[0].GetName() != "exception" || e[0].GetTimeUnixNano() == 0 {
		t.Errorf("its events are %v", e)
	}
	for _, s := range spans {
		if took := int64(s.GetEndTimeUnixNano() - s.GetStartTimeUnixNano()); took < 0 || took > int64(time.Minute) {
			t.Errorf("%s took %d ns", s.GetName(), took)
		}
	}
}

func TestLimitsOfTheEnvironmentAreTheSDKs(t *testing.T) {
	if !writes(limits()) {
		t.Error("spans are not written without limits")
	}
	t.Setenv("OTEL_SPAN_LINK_COUNT_LIMIT", "12")
	if writes(limits()) {
		t.Error("spans are written with a limit")
	}
}

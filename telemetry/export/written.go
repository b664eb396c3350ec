package export

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"

	"github.com/coppice-run/coppice/telemetry"
)

// writing is the provider of the spans that package telemetry makes. A span of the SDK keeps all
// that it is told, and copies it when it ends and when it is sent: of what a followed record cost
// that was two fifths of the time and half of the memory. Here a span is what will be sent from its
// beginning on: what it is told is appended. It goes the way of the SDK's spans from its end on. It
// is for spans that are sampled in any case, as sampler says, below others or as batches; the rest,
// and the spans of all others, are the SDK's.
type writing struct {
	embedded.TracerProvider
	rest  trace.TracerProvider
	next  sdktrace.SpanProcessor
	about *resource.Resource
}

// writes reports whether spans may be written so, which knows no limits: telemetry keeps to the
// defaults, but the environment may have set others.
func writes(l sdktrace.SpanLimits) bool {
	return l == sdktrace.SpanLimits{
		AttributeValueLengthLimit: sdktrace.DefaultAttributeValueLengthLimit, AttributeValueDepthLimit: sdktrace.DefaultAttributeValueDepthLimit,
		AttributeCountLimit: sdktrace.DefaultAttributeCountLimit, EventCountLimit: sdktrace.DefaultEventCountLimit, LinkCountLimit: telemetry.LinksMax,
		AttributePerEventCountLimit: sdktrace.DefaultAttributePerEventCountLimit, AttributePerLinkCountLimit: sdktrace.DefaultAttributePerLinkCountLimit,
	}
}

// Tracer returns one of a scope.
func (w *writing) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	c := trace.NewTracerConfig(options...)
	return &writingTracer{provider: w, rest: w.rest.Tracer(name, options...), scope: instrumentation.Scope{
		Name: name, Version: c.InstrumentationVersion(), SchemaURL: c.SchemaURL(), Attributes: c.InstrumentationAttributes(),
	}}
}

type writingTracer struct {
	embedded.Tracer
	provider *writing
	rest     trace.Tracer
	scope    instrumentation.Scope
}

// Start begins a span.
func (t *writingTracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	c := trace.NewSpanStartConfig(options...)
	var parent trace.SpanContext
	if !c.NewRoot() {
		parent = trace.SpanContextFromContext(ctx)
	}
	if !sampledAlways(parent, name, c.Links()) {
		return t.rest.Start(ctx, name, options...)
	}
	s := t.written(&telemetry.Beginning{Parent: parent, Name: name, Kind: c.SpanKind(), At: c.Timestamp(), Links: c.Links(), Attributes: c.Attributes()})
	return trace.ContextWithSpan(ctx, s), s
}

// Begin begins one as package telemetry does.
func (t *writingTracer) Begin(b telemetry.Beginning) trace.Span {
	if !sampledAlways(b.Parent, b.Name, b.Links) {
		return telemetry.BeginPlain(t.rest, b)
	}
	return t.written(&b)
}

// sampledAlways reports whether sampler keeps a span whatever its trace is.
func sampledAlways(parent trace.SpanContext, name string, links []trace.Link) bool {
	if parent.IsValid() {
		return parent.IsSampled()
	}
	return alwaysSampled(name, links)
}

func (t *writingTracer) written(b *telemetry.Beginning) *writtenSpan {
	s := &writtenSpan{tracer: t, start: b.At, room: rooms.Get().(*room)}
	if s.start.IsZero() {
		s.start = time.Now()
	}
	parent := b.Parent
	c := trace.SpanContextConfig{TraceID: parent.TraceID(), TraceFlags: parent.TraceFlags() | trace.FlagsSampled, TraceState: parent.TraceState()}
	for !c.TraceID.IsValid() {
		fill(c.TraceID[:8])
		fill(c.TraceID[8:])
	}
	for !c.SpanID.IsValid() {
		fill(c.SpanID[:])
	}
	s.context = trace.NewSpanContext(c)
	raw := appendText(appendPlace(s.room[:0], s.context, parent), spanName, b.Name)
	raw = appendNumber(raw, spanKind, kindOf(trace.ValidateSpanKind(b.Kind)))
	raw = appendTime(raw, spanStart, s.start.UnixNano())
	raw = appendPairs(appendFlags(raw, spanFlags, c.TraceFlags, parent), spanAttributes, b.Attributes)
	s.raw = appendLinks(raw, b.Links)
	return s
}

// room is where a span is written until it ends. Most find room enough in one.
type room [1024]byte

var rooms = sync.Pool{New: func() any { return new(room) }}

func fill(b []byte) {
	for n, i := rand.Uint64(), 0; i < len(b); i, n = i+1, n>>8 {
		b[i] = byte(n)
	}
}

// writtenSpan is a span that is written as it goes: a message of the protocol may have its fields
// in any order, and of one that comes twice the last one counts.
type writtenSpan struct {
	embedded.Span
	sdktrace.ReadOnlySpan // nil: what the processors and the encoder ask for is below
	tracer                *writingTracer
	context               trace.SpanContext
	start                 time.Time

	mu     sync.Mutex
	room   *room // nil when it is over
	raw    []byte
	status sdktrace.Status
}

// add has something appended, unless the span is over.
func (s *writtenSpan) add(fill func([]byte) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.room != nil {
		s.raw = fill(s.raw)
	}
}

// End ends the span, and passes it on.
func (s *writtenSpan) End(options ...trace.SpanEndOption) {
	at := s.start.Add(time.Since(s.start))
	if len(options) > 0 {
		if c := trace.NewSpanEndConfig(options...); !c.Timestamp().IsZero() {
			at = c.Timestamp()
		}
	}
	s.mu.Lock()
	if s.room == nil {
		s.mu.Unlock()
		return
	}
	s.raw = bytes.Clone(appendStatus(appendTime(s.raw, spanEnd, at.UnixNano()), s.status))
	rooms.Put(s.room)
	s.room = nil
	s.mu.Unlock()
	s.tracer.provider.next.OnEnd(s)
}

// SetAttributes adds attributes. Other than the SDK it does not look whether one is there already:
// telemetry sets each once.
func (s *writtenSpan) SetAttributes(pairs ...attribute.KeyValue) {
	s.add(func(b []byte) []byte { return appendPairs(b, spanAttributes, pairs) })
}

// SetStatus sets what became of it: what is worse, or OK, stays.
func (s *writtenSpan) SetStatus(code codes.Code, text string) {
	if code != codes.Error {
		text = ""
	}
	s.add(func(b []byte) []byte {
		if s.status.Code <= code {
			s.status = sdktrace.Status{Code: code, Description: text}
		}
		return b
	})
}

// AddEvent adds an event.
func (s *writtenSpan) AddEvent(name string, options ...trace.EventOption) {
	c := trace.NewEventConfig(options...)
	s.add(func(b []byte) []byte {
		return appendEvent(b, sdktrace.Event{Name: name, Time: c.Timestamp(), Attributes: c.Attributes()})
	})
}

// AddLink adds a link.
func (s *writtenSpan) AddLink(l trace.Link) {
	s.add(func(b []byte) []byte { return appendLinks(b, []trace.Link{l}) })
}

// appendLinks appends links, but for those that neither lead anywhere nor say anything.
func appendLinks(b []byte, links []trace.Link) []byte {
	for _, l := range links {
		if l.SpanContext.IsValid() || len(l.Attributes) > 0 || l.SpanContext.TraceState().Len() > 0 {
			b = appendLink(b, sdktrace.Link{SpanContext: l.SpanContext, Attributes: l.Attributes})
		}
	}
	return b
}

// RecordError adds an event that tells of an error.
func (s *writtenSpan) RecordError(err error, options ...trace.EventOption) {
	if err != nil {
		s.AddEvent("exception", append(options, trace.WithAttributes(attribute.String("exception.message", err.Error())))...)
	}
}

// SetName gives it another name.
func (s *writtenSpan) SetName(name string) {
	s.add(func(b []byte) []byte { return appendText(b, spanName, name) })
}

// IsRecording reports whether it has not ended.
func (s *writtenSpan) IsRecording() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.room != nil
}

// TracerProvider returns what it comes from.
func (s *writtenSpan) TracerProvider() trace.TracerProvider { return s.tracer.provider }

// SpanContext names it.
func (s *writtenSpan) SpanContext() trace.SpanContext { return s.context }

// InstrumentationScope is that of its tracer.
func (s *writtenSpan) InstrumentationScope() instrumentation.Scope { return s.tracer.scope }

// Resource is the program.
func (s *writtenSpan) Resource() *resource.Resource { return s.tracer.provider.about }

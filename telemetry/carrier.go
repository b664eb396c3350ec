package telemetry

import (
	"context"
	"crypto/sha256"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// The W3C trace context, whatever the program has set globally: depots are read
// by other programs than wrote them.
var w3c propagation.TraceContext

// carrier is a trace context as the propagator reads and writes it.
type carrier wire.Trace

// Get returns a header's value.
func (c *carrier) Get(key string) string {
	switch key {
	case runtime.TraceParentHeader:
		return c.Parent
	case runtime.TraceStateHeader:
		return c.State
	}
	return ""
}

// Set notes it.
func (c *carrier) Set(key, value string) {
	switch key {
	case runtime.TraceParentHeader:
		c.Parent = value
	case runtime.TraceStateHeader:
		c.State = value
	}
}

// Keys are the headers that there may be.
func (*carrier) Keys() []string { return w3c.Fields() }

// Inject adds the trace context of ctx, if there is one, to a record's headers.
func Inject(ctx context.Context, headers []depot.Header) []depot.Header {
	var c carrier
	w3c.Inject(ctx, &c)
	if c.Parent != "" {
		headers = append(headers, depot.Header{Key: runtime.TraceParentHeader, Value: []byte(c.Parent)})
	}
	if c.State != "" {
		headers = append(headers, depot.Header{Key: runtime.TraceStateHeader, Value: []byte(c.State)})
	}
	return headers
}

// spanOf returns the span that a trace context names; that of nil, and of one that cannot be
// read, is not valid.
func spanOf(t *wire.Trace) trace.SpanContext {
	if t == nil {
		return trace.SpanContext{}
	}
	return trace.SpanContextFromContext(w3c.Extract(context.Background(), (*carrier)(t)))
}

// below returns a context with a span as the parent.
func below(c trace.SpanContext) context.Context {
	return trace.ContextWithRemoteSpanContext(context.Background(), c)
}

// forced is the span that a record came with, sampled whatever it says itself. A record without
// one has one that its name gives: the same on every task, so that what is found out late still
// comes together in one trace.
func forced(r recordName, t *wire.Trace) trace.SpanContext {
	if c := spanOf(t); c.IsValid() {
		return c.WithTraceFlags(c.TraceFlags().WithSampled(true))
	}
	name := r.module + "\x00" + r.depot + "\x00" + strconv.Itoa(int(r.partition)) + "\x00" + strconv.FormatInt(r.offset, 10)
	sum := sha256.Sum256([]byte(name))
	var c trace.SpanContextConfig
	copy(c.TraceID[:], sum[:16])
	copy(c.SpanID[:], sum[16:24])
	c.TraceID[0] |= 1 // neither may be zero
	c.SpanID[0] |= 1
	c.TraceFlags = trace.FlagsSampled
	return trace.NewSpanContext(c)
}

// stateKey is ours in a tracestate: when an event sent others off, and on which task.
const stateKey = "coppice"

// departing is what travels on with a span: its context, and what the hop span of the next event
// needs. The span may have lost the tracestate of its parent: a sampler decides what is left.
func departing(span, parent trace.SpanContext, now time.Time, from task.ID) *wire.Trace {
	state := span.TraceState()
	if state.Len() == 0 {
		state = parent.TraceState()
	}
	if with, err := state.Insert(stateKey, strconv.FormatInt(now.UnixMicro(), 36)+"."+from.String()); err == nil {
		state = with
	}
	var c carrier
	w3c.Inject(below(span.WithTraceState(state)), &c)
	return (*wire.Trace)(&c)
}

// departure reads it.
func departure(parent trace.SpanContext) (at time.Time, from int, ok bool) {
	micros, id, found := strings.Cut(parent.TraceState().Get(stateKey), ".")
	n, errN := strconv.ParseInt(micros, 36, 64)
	from, errF := strconv.Atoi(id)
	return time.UnixMicro(n), from, found && errN == nil && errF == nil
}

// TraceID returns the trace id of a record's trace context, for logs; "" if it
// has none.
func TraceID(t *wire.Trace) string {
	if c := spanOf(t); c.IsValid() {
		return c.TraceID().String()
	}
	return ""
}

package telemetry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	if t.State == "" && isPlain(t.Parent) {
		return plain(t.Parent)
	}
	return trace.SpanContextFromContext(w3c.Extract(context.Background(), (*carrier)(t)))
}

// isPlain reports whether a traceparent is of the kind that nearly all sampled records have.
func isPlain(parent string) bool {
	return len(parent) == len("00-")+32+len("-")+16+len("-01") && strings.HasPrefix(parent, "00-") && strings.HasSuffix(parent, "-01")
}

// plain reads such a one; what cannot be read is not valid.
func plain(parent string) trace.SpanContext {
	id, errT := trace.TraceIDFromHex(parent[3:35])
	span, errS := trace.SpanIDFromHex(parent[36:52])
	if errT != nil || errS != nil || parent[35] != '-' {
		return trace.SpanContext{}
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: trace.FlagsSampled, Remote: true})
}

// appendPlain writes the traceparent of a sampled span of such a kind; nothing of others.
func appendPlain(b []byte, c trace.SpanContext) []byte {
	if !c.IsValid() || c.TraceFlags() != trace.FlagsSampled {
		return b
	}
	id, span := c.TraceID(), c.SpanID()
	b = append(hex.AppendEncode(append(b, "00-"...), id[:]), '-')
	return append(hex.AppendEncode(b, span[:]), "-01"...)
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
	var space [128]byte
	name := append(append(append(append(space[:0], r.module...), 0), r.depot...), 0)
	name = append(strconv.AppendInt(name, int64(r.partition), 10), 0)
	sum := sha256.Sum256(strconv.AppendInt(name, r.offset, 10))
	var c trace.SpanContextConfig
	copy(c.TraceID[:], sum[:16])
	copy(c.SpanID[:], sum[16:24])
	c.TraceID[0] |= 1 // neither may be zero
	c.SpanID[0] |= 1
	c.TraceFlags, c.Remote = trace.FlagsSampled, true
	return trace.NewSpanContext(c)
}

// stateKey is ours in a tracestate: when an event sent others off, and on which task.
const stateKey = "coppice"

// departing is what travels on with the span of a context: that, and what the hop span of the next
// event needs. The span may have lost the tracestate of its parent: a sampler decides what is left.
func departing(span, parent trace.SpanContext, now time.Time, from task.ID) *wire.Trace {
	state := span.TraceState()
	if state.Len() == 0 {
		state = parent.TraceState()
	}
	var space [128]byte
	both := appendPlain(space[:0], span)
	end := len(both)
	both = append(both, stateKey...)
	both = append(both, '=')
	begin := len(both)
	both = append(strconv.AppendInt(both, now.UnixMicro(), 36), '.')
	both = strconv.AppendInt(both, int64(from), 10)
	if state.Len() == 0 && end > 0 {
		text := string(both)
		return &wire.Trace{Parent: text[:end], State: text[end:]}
	}
	var c carrier
	left := both[begin:]
	if with, err := state.Insert(stateKey, string(left)); err == nil {
		state = with
	}
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
	if t != nil && isPlain(t.Parent) && plain(t.Parent).IsValid() {
		return t.Parent[3:35]
	}
	if c := spanOf(t); c.IsValid() {
		return c.TraceID().String()
	}
	return ""
}

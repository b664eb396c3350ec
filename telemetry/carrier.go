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

// Inject adds the trace context of ctx, if there is one, to a record's headers.
func Inject(ctx context.Context, headers []depot.Header) []depot.Header {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return headers
	}
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	for _, name := range [...]string{runtime.TraceParentHeader, runtime.TraceStateHeader} {
		if value := carrier[name]; value != "" {
			headers = append(headers, depot.Header{Key: name, Value: []byte(value)})
		}
	}
	return headers
}

// contextOf returns a context with a trace's span as the parent; of nil, with none.
func contextOf(t *wire.Trace) context.Context {
	if t == nil {
		return context.Background()
	}
	carrier := propagation.MapCarrier{runtime.TraceParentHeader: t.Parent}
	if t.State != "" {
		carrier[runtime.TraceStateHeader] = t.State
	}
	return w3c.Extract(context.Background(), carrier)
}

// traceOf returns what travels on with a span's context.
func traceOf(ctx context.Context) *wire.Trace {
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return &wire.Trace{Parent: carrier[runtime.TraceParentHeader], State: carrier[runtime.TraceStateHeader]}
}

// forced is a record's context, sampled whatever it says itself. A record without one has
// one that its name gives: the same on every task, so that what is found out late still
// comes together in one trace.
func forced(r recordName, t *wire.Trace) *wire.Trace {
	if c := trace.SpanContextFromContext(contextOf(t)); c.IsValid() {
		c = c.WithTraceFlags(c.TraceFlags().WithSampled(true))
		return traceOf(trace.ContextWithRemoteSpanContext(context.Background(), c))
	}
	name := r.module + "\x00" + r.depot + "\x00" + strconv.Itoa(int(r.partition)) + "\x00" + strconv.FormatInt(r.offset, 10)
	sum := sha256.Sum256([]byte(name))
	var c trace.SpanContextConfig
	copy(c.TraceID[:], sum[:16])
	copy(c.SpanID[:], sum[16:24])
	c.TraceID[0] |= 1 // neither may be zero
	c.SpanID[0] |= 1
	c.TraceFlags = trace.FlagsSampled
	return traceOf(trace.ContextWithRemoteSpanContext(context.Background(), trace.NewSpanContext(c)))
}

// stateKey is ours in a tracestate: when an event sent others off, and on which task.
const stateKey = "coppice"

// departing adds to a context what the hop span of the next event needs.
func departing(t, parent *wire.Trace, now time.Time, from task.ID) *wire.Trace {
	state := t.State
	if state == "" {
		state = parent.State
	}
	parsed, err := trace.ParseTraceState(state)
	if err == nil {
		parsed, err = parsed.Insert(stateKey, strconv.FormatInt(now.UnixMicro(), 36)+"."+from.String())
	}
	if err == nil {
		t.State = parsed.String()
	}
	return t
}

// departure reads it.
func departure(t *wire.Trace) (at time.Time, from int, ok bool) {
	parsed, err := trace.ParseTraceState(t.State)
	if err != nil {
		return at, 0, false
	}
	micros, id, found := strings.Cut(parsed.Get(stateKey), ".")
	n, errN := strconv.ParseInt(micros, 36, 64)
	from, errF := strconv.Atoi(id)
	return time.UnixMicro(n), from, found && errN == nil && errF == nil
}

// TraceID returns the trace id of a record's trace context, for logs; "" if it
// has none.
func TraceID(t *wire.Trace) string {
	if t == nil {
		return ""
	}
	if c := trace.SpanContextFromContext(contextOf(t)); c.IsValid() {
		return c.TraceID().String()
	}
	return ""
}

package runtime

import (
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
)

// Names of the W3C trace context headers of a record.
const (
	TraceParentHeader = "traceparent"
	TraceStateHeader  = "tracestate"
)

// traceHeaders are the headers of a record that carries a trace context.
func traceHeaders(trace *wire.Trace) []depot.Header {
	if trace == nil || len(trace.Parent)+len(trace.State) > traceBytesMax {
		return nil
	}
	headers := []depot.Header{{Key: TraceParentHeader, Value: []byte(trace.Parent)}}
	if trace.State != "" {
		headers = append(headers, depot.Header{Key: TraceStateHeader, Value: []byte(trace.State)})
	}
	return headers
}

// traceBytesMax bounds the trace context that an append carries on: within what
// module.EmitBytesMax leaves for headers.
const traceBytesMax = 700

// traceOf returns the trace context that a record carries, nil if none.
func traceOf(r *depot.Record) *wire.Trace {
	if len(r.Headers) == 0 {
		return nil
	}
	var trace *wire.Trace
	for _, h := range r.Headers {
		switch h.Key {
		case TraceParentHeader:
			if trace == nil {
				trace = &wire.Trace{}
			}
			trace.Parent = string(h.Value)
		case TraceStateHeader:
			if trace == nil {
				trace = &wire.Trace{}
			}
			trace.State = string(h.Value)
		}
	}
	if trace != nil && trace.Parent == "" {
		return nil
	}
	return trace
}

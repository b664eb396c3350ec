package telemetry

import (
	"testing"
	"time"

	"github.com/coppice-run/coppice/internal/wire"
)

// What a carrier reads and writes is what the propagator does with its own.
func TestCarrierRoundTrips(t *testing.T) {
	t.Parallel()
	for _, want := range []wire.Trace{
		{Parent: "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"},
		{Parent: "00-0123456789abcdef0123456789abcdef-0123456789abcdef-00", State: "vendor=1,other=2"},
	} {
		headers := Inject(below(spanOf(&want)), nil)
		var have wire.Trace
		for _, h := range headers {
			(*carrier)(&have).Set(h.Key, string(h.Value))
		}
		if have != want {
			t.Errorf("%v became %v", want, have)
		}
	}
	for _, bad := range []*wire.Trace{nil, {}, {Parent: "00-zz"}, {State: "vendor=1"},
		{Parent: "00-00000000000000000000000000000000-0123456789abcdef-01"}, {Parent: "00-0123456789abcdef0123456789abcdef-0123456789ABCDEF-01"},
		{Parent: "00-0123456789abcdef0123456789abcdef_0123456789abcdef-01"}} {
		if spanOf(bad).IsValid() || TraceID(bad) != "" {
			t.Errorf("%v names a span", bad)
		}
	}
	if headers := Inject(t.Context(), nil); len(headers) > 0 {
		t.Errorf("headers of no context: %v", headers)
	}
}

// What travels on with a span is read again as it was, whether there was a tracestate before or not.
func TestADepartureIsReadAgain(t *testing.T) {
	t.Parallel()
	at := time.UnixMicro(1_700_000_000_123_456)
	for _, state := range []string{"", "vendor=1"} {
		parent := spanOf(&wire.Trace{Parent: "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01", State: state})
		out := departing(parent, parent, at, 12)
		have := spanOf(out)
		when, from, ok := departure(have)
		if !ok || !when.Equal(at) || from != 12 || have.SpanID() != parent.SpanID() || have.TraceState().Get("vendor") != parent.TraceState().Get("vendor") {
			t.Errorf("with state %q it is %+v: from task %d at %v", state, out, from, when)
		}
	}
}

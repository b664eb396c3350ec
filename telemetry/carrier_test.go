package telemetry

import (
	"testing"

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
	for _, bad := range []*wire.Trace{nil, {}, {Parent: "00-zz"}, {State: "vendor=1"}} {
		if spanOf(bad).IsValid() || TraceID(bad) != "" {
			t.Errorf("%v names a span", bad)
		}
	}
	if headers := Inject(t.Context(), nil); len(headers) > 0 {
		t.Errorf("headers of no context: %v", headers)
	}
}

package telemetry

import (
	"errors"
	"testing"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/coppice-run/coppice/runtime"
)

// A provider may give spans that record nothing, of a type that cannot be compared: events begin,
// are kept, fail and are left with them as with others.
func TestSpansThatRecordNothing(t *testing.T) {
	t.Parallel()
	l := Listener(noop.NewTracerProvider())
	again := runtime.EventInfo{Topology: "words", Source: "sentences", Root: true, Attempt: 2, Seed: 1}
	failed := again
	failed.Err = errors.New("no")
	for _, kept := range []runtime.EventInfo{again, failed} {
		l.EventBegin(again)
		l.EventKept(kept)
	}
	l.EventBegin(again) // and is left
	other := again
	other.Seed = 2
	l.EventBegin(other)
	l.EventKept(other)
	failed.Seed = 3
	l.EventKept(failed) // nobody knew of it
}

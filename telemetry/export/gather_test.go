package export

import (
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// Spans are passed on when there are many, when the first has waited for a while, when somebody
// asks for them, and at the end: none is lost, and none comes twice.
func TestGatheredSpansArePassedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(gather(next)))
		want := 0
		end := func(n int) {
			for range n {
				_, span := provider.Tracer("").Start(t.Context(), "span")
				span.End()
			}
			want += n
		}
		passed := func(when string, waiting int) {
			t.Helper()
			synctest.Wait()
			if n := len(next.Ended()); n != want-waiting {
				t.Errorf("%s: %d spans were passed on, want %d", when, n, want-waiting)
			}
		}
		end(gatheredMax - 1)
		passed("too few", want)
		end(1)
		passed("enough", 0)
		time.Sleep(gatheredFor / 2)
		end(1)
		time.Sleep(gatheredFor * 3 / 4)
		passed("not long enough", 1)
		time.Sleep(gatheredFor / 2)
		passed("long enough", 0)
		end(2)
		if err := provider.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		passed("flushed", 0)
		end(3)
		if err := provider.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		passed("the end", 0)
	})
}

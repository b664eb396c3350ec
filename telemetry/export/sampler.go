package export

import (
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/telemetry"
)

// sampler samples one in so many of the traces that begin here, and goes by what others
// have decided of theirs. Spans of batches have traces of their own, and are made for
// batches with events that are sampled alone: they are kept.
func sampler(every int) sdktrace.Sampler {
	root := sdktrace.NeverSample()
	switch {
	case every == 1:
		root = sdktrace.AlwaysSample()
	case every > 1:
		root = sdktrace.TraceIDRatioBased(1 / float64(every))
	}
	return sdktrace.ParentBased(batches{root})
}

type batches struct{ sdktrace.Sampler }

func (b batches) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if alwaysSampled(p.Name, p.Links) {
		return sdktrace.AlwaysSample().ShouldSample(p)
	}
	return b.Sampler.ShouldSample(p)
}

// alwaysSampled reports whether a span of no parent is kept in any case.
func alwaysSampled(name string, links []trace.Link) bool {
	return name == telemetry.BatchSpan && len(links) > 0
}

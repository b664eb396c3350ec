package export

import (
	"context"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The SDK's processor of batches wakes its goroutine for each span that ends. Where a thousandth
// of the records has spans that costs as much as making them: each comes alone, to a processor
// that has gone to sleep since. So spans are gathered before, and passed on many at a time.
const (
	gatheredMax = 128
	gatheredFor = time.Second // at most
)

// gatherer is a processor that passes spans on to another.
type gatherer struct {
	next  sdktrace.SpanProcessor
	timer *time.Timer

	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
	over  bool
}

func gather(next sdktrace.SpanProcessor) *gatherer {
	g := &gatherer{next: next}
	g.timer = time.AfterFunc(gatheredFor, g.pass)
	return g
}

// OnStart passes it on.
func (g *gatherer) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) { g.next.OnStart(ctx, s) }

// OnEnd keeps a span until there are enough, or the first has waited for long enough.
func (g *gatherer) OnEnd(s sdktrace.ReadOnlySpan) {
	g.mu.Lock()
	g.spans = append(g.spans, s)
	n, over := len(g.spans), g.over
	g.mu.Unlock()
	switch {
	case n >= gatheredMax || over:
		g.pass()
	case n == 1:
		g.timer.Reset(gatheredFor)
	}
}

// pass passes on what there is.
func (g *gatherer) pass() {
	g.mu.Lock()
	spans := g.spans
	g.spans = nil
	g.mu.Unlock()
	for _, s := range spans {
		g.next.OnEnd(s)
	}
}

// ForceFlush passes on what there is, and has the next one send it.
func (g *gatherer) ForceFlush(ctx context.Context) error {
	g.pass()
	return g.next.ForceFlush(ctx)
}

// Shutdown does the same, for the last time.
func (g *gatherer) Shutdown(ctx context.Context) error {
	g.mu.Lock()
	g.over = true
	g.mu.Unlock()
	g.timer.Stop()
	g.pass()
	return g.next.Shutdown(ctx)
}

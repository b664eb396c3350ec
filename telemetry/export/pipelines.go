package export

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
)

// sampledPipelines keeps redisotel from pipelines without a span: it writes out the text of each
// before it asks whether there is one, which is the text of every commit.
type sampledPipelines struct {
	mu    sync.Mutex
	under map[redis.Cmder]struct{} // the first commands of those under way that are to have one
}

// DialHook passes dials on.
func (*sampledPipelines) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook passes commands on.
func (*sampledPipelines) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// ProcessPipelineHook notes the pipelines that are to have a span.
func (p *sampledPipelines) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) == 0 || !trace.SpanContextFromContext(ctx).IsSampled() {
			return next(ctx, cmds)
		}
		p.mu.Lock()
		if p.under == nil {
			p.under = map[redis.Cmder]struct{}{}
		}
		p.under[cmds[0]] = struct{}{}
		p.mu.Unlock()
		defer func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.under, cmds[0])
		}()
		return next(ctx, cmds)
	}
}

// without reports whether a pipeline is to have no span.
func (p *sampledPipelines) without(cmds []redis.Cmder) bool {
	if len(cmds) == 0 {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, wanted := p.under[cmds[0]]
	return !wanted
}

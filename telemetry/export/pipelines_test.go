package export

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
)

// A pipeline within a span that is sampled is let through to redisotel, as long as it is under
// way; the others, which are nearly all, are not even looked at.
func TestPipelinesWithoutASpanAreLeftAlone(t *testing.T) {
	t.Parallel()
	p := &sampledPipelines{}
	errDone := errors.New("done")
	var without bool
	run := p.ProcessPipelineHook(func(_ context.Context, cmds []redis.Cmder) error {
		without = p.without(cmds)
		return errDone
	})
	plain := t.Context()
	sampled := trace.ContextWithSpanContext(plain, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled}))
	unsampled := trace.ContextWithSpanContext(plain, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	cmds := []redis.Cmder{redis.NewStatusCmd(plain, "multi"), redis.NewStatusCmd(plain, "exec")}
	for _, c := range []struct {
		ctx  context.Context
		cmds []redis.Cmder
		want bool
	}{{plain, cmds, true}, {sampled, cmds, false}, {unsampled, cmds, true}, {sampled, nil, true}} {
		if err := run(c.ctx, c.cmds); !errors.Is(err, errDone) || without != c.want {
			t.Errorf("a pipeline of %d commands is left alone: %t (%v), want %t", len(c.cmds), without, err, c.want)
		}
	}
	if len(p.under) != 0 || !p.without(cmds) {
		t.Errorf("%d pipelines are under way, and none is", len(p.under))
	}
}

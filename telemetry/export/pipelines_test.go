package export

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/extra/rediscmd/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Of a pipeline within a span redisotel gets the names of its commands, each once, and of another
// one nothing; what is sent are the commands themselves.
func TestPipelinesAreNamedAndNotWrittenOut(t *testing.T) {
	t.Parallel()
	errDone := errors.New("done")
	plain := t.Context()
	cmds := []redis.Cmder{redis.NewStatusCmd(plain, "multi"), redis.NewCmd(plain, "hset", "key", "field", "value"), redis.NewCmd(plain, "hset", "other", "field", "value"), redis.NewSliceCmd(plain, "exec")}
	var sent []redis.Cmder
	var said string
	inner := innerHook{}.ProcessPipelineHook(func(_ context.Context, cmds []redis.Cmder) error {
		sent = cmds
		return errDone
	})
	run := outerHook{}.ProcessPipelineHook(func(ctx context.Context, cmds []redis.Cmder) error {
		if said = "nothing"; !withoutSpan(cmds) {
			summary, text := rediscmd.CmdsString(cmds)
			said = summary + ": " + strings.ReplaceAll(text, "\n", ",")
		}
		return inner(ctx, cmds)
	})
	within := func(flags trace.TraceFlags) context.Context {
		return trace.ContextWithSpanContext(plain, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: flags}))
	}
	for _, c := range []struct {
		ctx  context.Context
		cmds []redis.Cmder
		want string
	}{
		{plain, cmds, "nothing"}, {within(0), cmds, "nothing"}, {within(trace.FlagsSampled), nil, "nothing"},
		{within(trace.FlagsSampled), cmds, "multi hset exec: multi,hset,exec"},
	} {
		if err := run(c.ctx, c.cmds); !errors.Is(err, errDone) || said != c.want || !slices.Equal(sent, c.cmds) {
			t.Errorf("redisotel hears of %q, want %q; %v are sent (%v), want %v", said, c.want, sent, err, c.cmds)
		}
	}
}

// A pipeline's span says how many commands it had, and none of their arguments.
func TestAPipelinesSpanCountsItsCommands(t *testing.T) {
	t.Parallel()
	c, spans, tracer := instrumented(t, nobody())
	c.AddHook(nowhere{})
	ctx, above := tracer.Start(t.Context(), "batch")
	for range 2 { // the second has the stand-ins of the first
		pipe := c.Pipeline()
		pipe.Do(ctx, "MULTI")
		for range 1000 {
			pipe.HSet(ctx, "key", "field", "secret")
		}
		pipe.Do(ctx, "EXEC")
		if _, err := pipe.Exec(ctx); err != nil {
			t.Fatal(err)
		}
	}
	above.End()
	for _, s := range spans.Ended()[:2] {
		about := attribute.NewSet(s.Attributes()...)
		if n, _ := about.Value("db.redis.num_cmd"); s.Name() != "redis.pipeline multi hset exec" || n.AsInt64() != 1002 {
			t.Errorf("span %q says %s commands, want multi, hset and exec, and 1002", s.Name(), n.String())
		}
		if text := fmt.Sprint(s.Attributes()); strings.Contains(text, "secret") {
			t.Errorf("the span has what is written: %s", text)
		}
	}
}

// nowhere is where pipelines end.
type nowhere struct{ plainHook }

func (nowhere) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error { return nil }
}

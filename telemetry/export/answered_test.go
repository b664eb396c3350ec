package export

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/telemetry"
)

// The span of a commit tells EXEC from what waits behind it, at each level that waits.
func TestACommitsSpanSaysWhenExecWasAnswered(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"", "WAIT", "WAITAOF"} {
		spans := tracetest.NewSpanRecorder()
		out := &Telemetry{traces: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))}
		c := redis.NewClient(&redis.Options{Addr: "none:1"})
		t.Cleanup(func() { _ = c.Close() })
		var config redisstate.Config
		out.Redis(&config)
		if err := config.Instrument(c, false); err != nil {
			t.Fatal(err)
		}
		c.AddHook(slow{})
		ctx, above := out.traces.Tracer("").Start(t.Context(), telemetry.BatchSpan)
		pipe := c.Pipeline()
		pipe.Do(ctx, "MULTI")
		pipe.Do(ctx, "SET", "head", "1")
		exec := redis.NewSliceCmd(ctx, "EXEC")
		_ = pipe.Process(ctx, exec)
		if level != "" {
			pipe.Do(ctx, level, 1, 1000)
		}
		pipe.Do(ctx, "WATCH", "head")
		pipe.Get(ctx, "head")
		if _, err := pipe.Exec(ctx); err != nil || exec.Err() != nil {
			t.Fatal(err, exec.Err())
		}
		above.End()
		s := spans.Ended()[0]
		events := s.Events()
		if level == "" {
			if len(events) > 0 {
				t.Errorf("nothing waits, and there are events %v", events)
			}
			continue
		}
		if len(events) != 1 || events[0].Name != telemetry.ExecAnswered {
			t.Fatalf("%s: the span %q has the events %v", level, s.Name(), events)
		}
		if before, behind := events[0].Time.Sub(s.StartTime()), s.EndTime().Sub(events[0].Time); before < replyTime || behind < replyTime {
			t.Errorf("%s: EXEC was answered %v behind the begin and %v before the end", level, before, behind)
		}
	}
}

const replyTime = 20 * time.Millisecond

// slow answers EXEC, and what waits, after a while each, as the client does when it has read replies.
type slow struct{ plainHook }

func (slow) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(_ context.Context, cmds []redis.Cmder) error {
		for _, c := range cmds {
			switch c.Name() {
			case "exec", "wait", "waitaof":
				time.Sleep(replyTime + replyTime/4)
			}
			c.SetErr(nil)
		}
		for _, c := range cmds {
			c.SetErr(nil) // as the client does in the end
		}
		return nil
	}
}

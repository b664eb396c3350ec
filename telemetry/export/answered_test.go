package export

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/telemetry"
)

// The span of a commit tells EXEC from what waits behind it, at each level that waits.
func TestACommitsSpanSaysWhenExecWasAnswered(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"", "WAIT", "WAITAOF"} {
		t.Run("level "+level, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { spanOfACommit(t, level) })
		})
	}
}

func spanOfACommit(t *testing.T, level string) {
	c, spans, tracer := instrumented(t, nobody())
	c.AddHook(slow{})
	ctx, above := tracer.Start(t.Context(), telemetry.BatchSpan)
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
		return
	}
	if len(events) != 1 || events[0].Name != telemetry.ExecAnswered {
		t.Fatalf("the span %q has the events %v", s.Name(), events)
	}
	if before, behind := events[0].Time.Sub(s.StartTime()), s.EndTime().Sub(events[0].Time); before != replyTime || behind != replyTime {
		t.Errorf("EXEC was answered %v behind the begin and %v before the end, want %v each", before, behind, replyTime)
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
				time.Sleep(replyTime) // by the bubble's clock
			}
			c.SetErr(nil)
		}
		for _, c := range cmds {
			c.SetErr(nil) // as the client does in the end
		}
		return nil
	}
}

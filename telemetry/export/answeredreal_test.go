package export

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/telemetry"
)

// A real server answers EXEC before it waits, and the event says so: WAIT for a replica that is
// not there takes all of its time, behind the event.
func TestARealServerAnswersExecBeforeItWaits(t *testing.T) {
	t.Parallel()
	address := os.Getenv("COPPICE_TEST_REDIS")
	if address == "" {
		t.Skip("COPPICE_TEST_REDIS is not set")
	}
	const waits = 300 * time.Millisecond
	c, spans, tracer := instrumented(t, &redis.Options{Addr: address})
	ctx, above := tracer.Start(t.Context(), telemetry.BatchSpan)
	pipe := c.Pipeline()
	pipe.Do(ctx, "MULTI")
	pipe.Do(ctx, "SET", "answered", "1")
	exec := redis.NewSliceCmd(ctx, "EXEC")
	_ = pipe.Process(ctx, exec)
	wait := pipe.Do(ctx, "WAIT", 100, waits.Milliseconds())
	pipe.Get(ctx, "answered")
	if _, err := pipe.Exec(ctx); err != nil || len(exec.Val()) != 1 {
		t.Fatal(err, exec.Val())
	}
	above.End()
	for _, s := range spans.Ended() {
		if strings.HasSuffix(s.Name(), "exec wait get") {
			if len(s.Events()) != 1 || s.Events()[0].Name != telemetry.ExecAnswered {
				t.Fatalf("the span has the events %v", s.Events())
			}
			if behind := s.EndTime().Sub(s.Events()[0].Time); behind < waits*9/10 {
				t.Errorf("EXEC was answered %v before the end, and WAIT (%v) takes %v", behind, wait.Val(), waits)
			}
			return
		}
	}
	t.Error("the commit has no span")
}

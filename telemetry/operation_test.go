package telemetry

import (
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// The span of a commit names what the store was asked for at its level.
func TestACommitsSpanNamesItsLevel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		level     store.Level
		operation string
	}{
		{store.Applied, "EXEC"}, {store.Level{Replicas: 2}, "EXEC WAIT"}, {store.Level{Fsynced: true}, "EXEC WAITAOF"}, {store.Level{Fsynced: true, Replicas: 1}, "EXEC WAITAOF"},
	} {
		n := &noted{}
		l := Spans(SpanConfig{Provider: n})
		batch := runtime.BatchInfo{
			TaskInfo: runtime.TaskInfo{Module: "Words"}, Level: c.level, Commit: &store.Batch{},
			Followed: []runtime.Followed{{Trace: &wire.Trace{Parent: "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}}},
		}
		l.BatchSent(batch)
		l.BatchCommitted(batch)
		exec := n.spans[len(n.spans)-1].has
		if exec["db.operation.name"].AsString() != c.operation || exec[Level].AsString() != c.level.String() {
			t.Errorf("at level %v the span has %v, want %s", c.level, exec, c.operation)
		}
	}
}

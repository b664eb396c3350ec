package integration

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/telemetry"
)

// A record's trace goes from the append over its events on all tasks, and their
// commits, to the end of its tree.
func TestATraceFollowsARecord(t *testing.T) {
	t.Parallel()
	spans := newRecorder()
	c, err := localcluster.Start(t.Context(), localcluster.Config{Tracing: spans})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m := &words{name: "Traced"}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3, Workers: 3, Listener: telemetry.Listener(spans)}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Sentences.Append(t.Context(), c.Client(), "one two"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	// append, root event, two hops, two words, their two commits, tree: the root wrote
	// nothing, so nothing of it was to be committed; its batch is a commit all the
	// same if a write of another event shares it.
	all := spans.await(ctx, func(all []*span) bool {
		return count(all, "append") > 0 && count(all, "tree") > 0 && count(all, "EXEC") >= 2
	})
	byID := map[string]*span{}
	var own trace.TraceID
	for _, s := range all {
		byID[s.context.SpanID().String()] = s
		if strings.HasPrefix(s.name, "append") {
			own = s.context.TraceID()
		}
	}
	for _, s := range all {
		parent := byID[s.parent.SpanID().String()]
		want := ""
		switch name, _, _ := strings.Cut(s.name, " "); name {
		case "append":
			if s.parent.IsValid() {
				t.Errorf("%s has a parent", s.name)
			}
			continue
		case "batch":
			if s.parent.IsValid() || s.context.TraceID() == own {
				t.Error("a batch is part of a record's trace")
			}
			continue
		case "process":
			want = "append Traced.sentences"
		case "hop":
			want = "process Traced.sentences"
		case "event":
			want = "hop count"
		case "EXEC":
			want = "event "
			if parent != nil && strings.HasPrefix(parent.name, "process") {
				want = parent.name
			}
		case "tree":
			want = "append Traced.sentences"
		}
		if parent == nil || !strings.HasPrefix(parent.name, want) {
			t.Errorf("the parent of %q is %v, want %q", s.name, parent, want)
		}
		if s.context.TraceID() != own {
			t.Errorf("%s is of another trace", s.name)
		}
	}
	if n := count(all, "event count"); n != 2 {
		t.Errorf("%d events of step count, want 2", n)
	}
}

func count(all []*span, prefix string) (n int) {
	for _, s := range all {
		if strings.HasPrefix(s.name, prefix) {
			n++
		}
	}
	return n
}
